"""A small shop in SQLite: the same in each run."""

import os
import sqlite3
import sys

file = sys.argv[1]
if os.path.exists(file):
    os.remove(file)
database = sqlite3.connect(file)
database.executescript(
    """
    create table makers (id integer primary key, name text, country text);
    create table products (id integer primary key, name text, price real, added text, tags text,
                           maker_id integer references makers(id));
    create table [odd names/here] ([a key] text primary key, value text);
    create view cheap as select id, name, price from products where price < 30;
    """
)
for number in range(1, 21):
    database.execute("insert into makers values (?, ?, ?)",
                     (number, f"Maker {number}", ["Chile", "Kenya", "Norway"][number % 3]))
for number in range(1, 301):
    database.execute("insert into products values (?, ?, ?, ?, ?, ?)",
                     (number, f"Product {number}", number * 0.35, f"2024-{number % 12 + 1:02}-11",
                      '["red", "round"]' if number % 2 else '["blue"]', number % 20 + 1))
for key in ["plain", "with/slash", "with.dot", "with space"]:
    database.execute("insert into [odd names/here] values (?, ?)", (key, key.upper()))
database.commit()
