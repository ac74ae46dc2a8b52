"""What an npm client sends to publish a package."""

import base64
import gzip
import hashlib
import io
import tarfile


def tarball(name, version):
    readme = f"# {name}\n\nReadme of {name} {version}.\n".encode()
    manifest = f'{{"name":"{name}","version":"{version}"}}'.encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, content in [("package/package.json", manifest), ("package/README.md", readme)]:
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def document(name, version, keywords=()):
    content = tarball(name, version)
    short = name.split("/")[-1]
    file = f"{short}-{version}.tgz"
    manifest = {
        "name": name,
        "version": version,
        "description": f"The {short} of a shop",
        "keywords": list(keywords),
        "main": "index.js",
        "license": "MIT",
        "dependencies": {"lamp": "^1.0.0"} if short != "lamp" else {},
        "readme": f"# {name}\n\nReadme of {name} {version}.\n",
        "_id": f"{name}@{version}",
        "dist": {
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
            "shasum": hashlib.sha1(content).hexdigest(),
            "tarball": f"http://127.0.0.1/{name}/-/{file}",
        },
    }
    return {
        "_id": name,
        "name": name,
        "description": manifest["description"],
        "dist-tags": {"latest": version},
        "versions": {version: manifest},
        "access": None,
        "_attachments": {
            file: {
                "content_type": "application/octet-stream",
                "data": base64.b64encode(content).decode(),
                "length": len(content),
            }
        },
    }


def login(user, name, password="secret-password", with_token=True):
    """Makes the account if it isn't there, and sends its token from now on, or name and password."""
    account = {"_id": f"org.couchdb.user:{name}", "name": name, "password": password,
               "type": "user", "roles": [], "date": "2024-01-02T03:04:05.000Z"}
    user.sign_in(name, password)
    answer = user.json("PUT", f"/-/user/org.couchdb.user:{name}", account)
    if with_token and "token" in answer:
        user.bearer(answer["token"])
