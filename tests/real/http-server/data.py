"""A small static site, with the same times of change in each run."""

import gzip
import os
import shutil
import sys

folder = sys.argv[1]
shutil.rmtree(folder, ignore_errors=True)
files = {
    "index.html": "<!doctype html><title>Home</title><h1>Home</h1><a href='/docs/'>Docs</a>",
    "404.html": "<!doctype html><title>Not here</title><h1>There is nothing here</h1>",
    "style.css": "body { margin: 0 }\n" * 20,
    "app.js": "console.log('hello');\n" * 40,
    "data.json": '{"products": [{"id": 1, "name": "Lamp"}, {"id": 2, "name": "Chair"}]}',
    "table.csv": "id,name,price\n1,Lamp,20.00\n2,Chair,45.50\n",
    "feed.xml": "<?xml version='1.0'?><feed><title>News</title><entry><id>1</id><title>One</title></entry></feed>",
    "notes.txt": "First line.\nSecond line with ümlaut.\n",
    "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'><circle r='3'/></svg>",
    "module.wasm": "\0asm",
    "font.woff2": "wOF2",
    "page": "<p>without an extension</p>",
    "docs/index.html": "<!doctype html><title>Docs</title><h1>Docs</h1>",
    "docs/guide.html": "<!doctype html><title>Guide</title><h1>Guide</h1>" + "<p>A paragraph.</p>" * 50,
    "files/a b.txt": "a space\n",
    "files/ümlaut.txt": "not ASCII\n",
    "files/report.pdf": "%PDF-1.4\n",
    "files/deep/x.txt": "x\n",
    "files/.hidden": "hidden\n",
}
for name, text in files.items():
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
with gzip.GzipFile(os.path.join(folder, "app.js.gz"), "w", mtime=0) as file:
    file.write(files["app.js"].encode())
for place, folders, names in os.walk(folder, topdown=False):
    for name in [*names, "."]:
        os.utime(os.path.join(place, name), (1_700_000_000, 1_700_000_000))
