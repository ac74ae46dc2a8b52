from django.contrib import admin
from library.models import Author, Book, Review


class Reviews(admin.TabularInline):
    model = Review
    extra = 1


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    list_display = ["name", "born"]
    search_fields = ["name"]


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "price", "genre", "lent"]
    list_filter = ["genre", "lent"]
    search_fields = ["title", "author__name"]
    date_hierarchy = "published"
    list_per_page = 20
    inlines = [Reviews]
