import csv

from django import forms
from django.contrib.syndication.views import Feed as BaseFeed
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from library.models import Book, Review


class ReviewForm(forms.ModelForm):
    class Meta:
        model = Review
        fields = ["text", "stars"]


class SearchForm(forms.Form):
    q = forms.CharField(required=False, label="Title")
    after = forms.DateField(required=False)


def start(request):
    return render(request, "start.html", {"books": Book.objects.order_by("-published", "id")[:5]})


def books(request):
    form = SearchForm(request.GET)
    found = Book.objects.order_by("id")
    if form.is_valid():
        if form.cleaned_data["q"]:
            found = found.filter(title__icontains=form.cleaned_data["q"])
        if form.cleaned_data["after"]:
            found = found.filter(published__date__gt=form.cleaned_data["after"])
    page = Paginator(found, 10).get_page(request.GET.get("page"))
    return render(request, "books.html", {"form": form, "page": page})


def book(request, number):
    book = get_object_or_404(Book, id=number)
    reviews = book.review_set.order_by("id")
    return render(request, "book.html", {"book": book, "reviews": reviews, "form": ReviewForm()})


def review(request, number):
    book = get_object_or_404(Book, id=number)
    form = ReviewForm(request.POST or None)
    if form.is_valid():
        form.instance.book = book
        form.save()
        return redirect(f"/books/{number}/")
    return render(request, "book.html", {"book": book, "reviews": [], "form": form})


def as_json(book):
    return {
        "id": book.id,
        "title": book.title,
        "price": str(book.price),
        "published": book.published,
        "author": {"id": book.author_id, "name": book.author.name},
    }


def api_books(request):
    books = Book.objects.order_by("id").select_related("author")[:15]
    return JsonResponse({"books": [as_json(book) for book in books], "count": Book.objects.count()})


def api_book(request, number):
    return JsonResponse(as_json(get_object_or_404(Book, id=number)))


def export(request):
    response = HttpResponse(content_type="text/csv")
    rows = csv.writer(response)
    rows.writerow(["id", "title", "price"])
    for book in Book.objects.order_by("id"):
        rows.writerow([book.id, book.title, book.price])
    return response


class Feed(BaseFeed):
    title = "Books"
    link = "/books/"
    description = "New ones"

    def items(self):
        return Book.objects.order_by("-published", "id")[:10]

    def item_link(self, book):
        return f"/books/{book.id}/"

    def item_pubdate(self, book):
        return book.published


def broken(request):
    raise ValueError("always")
