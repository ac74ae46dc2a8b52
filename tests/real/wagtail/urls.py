from django.contrib import admin
from django.contrib.sitemaps import views  # noqa: F401
from django.contrib.syndication.views import Feed
from django.urls import include, path
from django.utils.feedgenerator import Atom1Feed
from home.models import ArticlePage
from search import views as search_views
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v2.views import PagesAPIViewSet
from wagtail.contrib.sitemaps.views import sitemap
from wagtail.documents import urls as wagtaildocs_urls

api = WagtailAPIRouter("wagtailapi")
api.register_endpoint("pages", PagesAPIViewSet)


class Articles(Feed):
    title = "Articles"
    link = "/"
    feed_type = Atom1Feed

    def items(self):
        return ArticlePage.objects.live().order_by("-date", "title")[:10]

    def item_description(self, item):
        return item.intro

    def item_link(self, item):
        return item.url


urlpatterns = [
    path("django-admin/", admin.site.urls),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("search/", search_views.search, name="search"),
    path("api/v2/", api.urls),
    path("sitemap.xml", sitemap),
    path("feed.xml", Articles()),
    path("", include(wagtail_urls)),
]
