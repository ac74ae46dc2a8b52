from django.contrib import admin
from django.urls import path
from library import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.start),
    path("books/", views.books),
    path("books/<int:number>/", views.book),
    path("books/<int:number>/review/", views.review),
    path("api/books/", views.api_books),
    path("api/books/<int:number>/", views.api_book),
    path("export.csv", views.export),
    path("feed.xml", views.Feed()),
    path("broken/", views.broken),
]
