from django.db import models


class Author(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=80)
    born = models.DateField(null=True, blank=True)

    def __str__(self):
        return self.name


class Book(models.Model):
    id = models.AutoField(primary_key=True)
    title = models.CharField(max_length=120)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    genre = models.CharField(max_length=10, choices=[("novel", "Novel"), ("poems", "Poems"), ("guide", "Guide")])
    published = models.DateTimeField()
    lent = models.BooleanField(default=False)

    def __str__(self):
        return self.title


class Review(models.Model):
    id = models.AutoField(primary_key=True)
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    text = models.TextField()
    stars = models.IntegerField()
    written = models.DateTimeField(auto_now_add=True)
