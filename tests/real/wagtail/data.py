import datetime
from django.contrib.auth.models import User
from home.models import ArticlePage, HomePage
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site
for n in range(3): User.objects.create_superuser(f"user{n}", f"user{n}@example.com", "secret")

home = HomePage.objects.first()
words = ["river", "stone", "lamp", "window", "garden", "salt", "paper", "winter"]
for n in range(1, 31): home.add_child(instance=ArticlePage(title=f"The {words[n % 8]} {n}", slug=f"article-{n}", date=datetime.date(2023, n % 12 + 1, n % 28 + 1), intro=f"About a {words[n * 3 % 8]}", body=f"<p>Once a {words[n % 8]} met a {words[n * 5 % 8]}.</p>")).save_revision().publish()

for n in range(1, 9): Redirect.objects.create(old_path=f"/old-{n}", redirect_page=ArticlePage.objects.get(slug=f"article-{n}"), is_permanent=n % 2 == 0)

