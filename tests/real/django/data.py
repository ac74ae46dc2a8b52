import datetime
from django.contrib.auth.models import User
from library.models import Author, Book
for n in range(4): User.objects.create_superuser(f"user{n}", f"user{n}@example.com", "secret")

authors = [Author.objects.create(name=f"Author {n}", born=datetime.date(1900 + n, 2, 3)) for n in range(1, 13)]
for n in range(1, 91): Book.objects.create(title=f"Book {n}", author=authors[n % 12], price=n * 3 / 4, genre=["novel", "poems", "guide"][n % 3], lent=n % 5 == 0, published=datetime.datetime(2020, n % 12 + 1, n % 28 + 1, 10, n % 60, tzinfo=datetime.timezone.utc))

