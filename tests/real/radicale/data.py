"""A calendar and an address book for each of three people, and their passwords."""

import json
import os
import shutil
import sys

folder = sys.argv[1]
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
with open(f"{folder}/users", "w") as file:
    for number in range(3):
        file.write(f"user{number}:secret\n")
for number in range(3):
    home = f"{folder}/storage/collection-root/user{number}"
    os.makedirs(f"{home}/work")
    os.makedirs(f"{home}/people")
    with open(f"{home}/work/.Radicale.props", "w") as file:
        json.dump({"tag": "VCALENDAR", "D:displayname": "Work", "C:calendar-description": "Days of work"}, file)
    with open(f"{home}/people/.Radicale.props", "w") as file:
        json.dump({"tag": "VADDRESSBOOK", "D:displayname": "People"}, file)
    for event in range(12):
        with open(f"{home}/work/event-{event}.ics", "w", newline="\r\n") as file:
            file.write(
                "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Shop//EN\nBEGIN:VEVENT\n"
                f"UID:event-{event}\nDTSTAMP:20240101T000000Z\nDTSTART:202403{event + 10}T090000Z\n"
                f"DTEND:202403{event + 10}T100000Z\nSUMMARY:Meeting {event}\nEND:VEVENT\nEND:VCALENDAR\n"
            )
    for person in range(5):
        with open(f"{home}/people/person-{person}.vcf", "w", newline="\r\n") as file:
            file.write(
                f"BEGIN:VCARD\nVERSION:3.0\nUID:person-{person}\nFN:Person {person}\nN:{person};Person;;;\n"
                f"EMAIL:person{person}@example.com\nEND:VCARD\n"
            )
