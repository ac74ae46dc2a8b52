"""Four users browse, sort, search, follow pages, query, and download; some ask for what isn't there."""

from browser import User

users = [User(number) for number in range(4)]

for turn in range(8):
    for number, user in enumerate(users):
        product = 1 + (turn * 37 + number * 11) % 300
        maker = 1 + (turn * 3 + number) % 20
        user.get("/")
        user.get("/.json")
        user.get("/shop")
        user.get("/shop.json")
        user.get("/shop/products")
        user.get(f"/shop/products?maker_id={maker}&_sort=price")
        user.get(f"/shop/products.json?_size=5&_next={product}")
        user.get(f"/shop/products.json?_shape=array&maker_id={maker}")
        user.get(f"/shop/products.csv?maker_id={maker}")
        user.get(f"/shop/products?_facet=maker_id&price__gt={product % 90}")
        user.get(f"/shop/products/{product}")
        user.get(f"/shop/products/{product}.json")
        user.get(f"/shop/makers/{maker}")
        user.get("/shop/cheap.json?_size=3")
        user.get(f"/shop?sql=select+*+from+products+where+id+%3C+{product}+limit+5")
        user.get(f"/shop.json?sql=select+name+from+makers+where+id+%3D+{maker}")
        user.get(f"/shop.csv?sql=select+name,price+from+products+limit+{turn + 2}")
        if turn % 2 == 0:
            user.get("/shop.json?sql=select+nothing+from+nowhere")
            user.get("/shop?sql=drop+table+products")
            user.get("/shop/products/99999")
            user.get("/shop/nothing.json")
            user.get("/nothing")
            user.get("/shop/odd+names%2Fhere" if number % 2 else "/shop/odd%20names%2Fhere")
            user.get("/-/versions.json")
            user.get("/-/settings.json")
            user.get("/-/actor.json")
            user.get("/-/logout")
            user.get("/shop/")
