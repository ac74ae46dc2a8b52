"""rows.py APP DATABASE: what an application's database says, without ids and times, a line a row."""

import sqlite3
import sys

QUERIES = {
    "redmine": [
        "select 'issue', i.subject, i.done_ratio, i.status_id, p.identifier, u.login from issues i"
        " join projects p on p.id = i.project_id join users u on u.id = i.author_id",
        "select 'journal', j.notes, i.subject, u.login from journals j join issues i on i.id = j.journalized_id"
        " join users u on u.id = j.user_id where j.notes <> ''",
        "select 'file', a.filename, a.description, i.subject from attachments a left join issues i on i.id = a.container_id",
        "select 'time', t.comments, t.hours, i.subject, u.login from time_entries t left join issues i on i.id = t.issue_id"
        " join users u on u.id = t.user_id",
    ],
    "django": [
        "select 'author', name, born from library_author",
        "select 'book', b.title, b.price, a.name from library_book b left join library_author a on a.id = b.author_id",
        "select 'review', r.text, r.stars, b.title from library_review r left join library_book b on b.id = r.book_id",
    ],
    "wagtail": [
        "select 'page', title, draft_title, slug, live from wagtailcore_page",
        "select 'image', title from wagtailimages_image",
    ],
    "api": [
        "select 'note', n.title, n.text, o.title from notes_note n left join notes_note o on o.id = n.after_id",
        "select 'comment', c.text, n.title from notes_comment c left join notes_note n on n.id = c.note_id",
    ],
}

database = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
for query in QUERIES[sys.argv[1]]:
    for row in sorted(database.execute(query), key=repr):
        print(*row, sep=" | ")
