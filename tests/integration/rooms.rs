//! Arrows between rooms point downwards: the `use crate::` lines are held to the table of docs/architecture.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room uses. Every room may stand on the floor.
const TABLE: &[(&str, &[&str])] = &[
    ("main", &["cli", "commands", "app"]),
    (
        "cli",
        &["commands", "app", "capture", "compare", "net", "replay"],
    ),
    (
        "commands",
        &["cli", "app", "capture", "compare", "net", "replay"],
    ),
    (
        "app",
        &[
            "lifecycle",
            "admin",
            "proxy",
            "shadow",
            "script",
            "capture",
            "compare",
            "replay",
            "tee",
            "exchange",
            "ledger",
            "upstream",
            "net",
            "http",
        ],
    ),
    ("lifecycle", &[]),
    ("admin", &["compare", "ledger", "lifecycle", "net"]),
    (
        "proxy",
        &[
            "capture", "tee", "upstream", "net", "http", "exchange", "ledger",
        ],
    ),
    (
        "shadow",
        &[
            "identity", "compare", "script", "tee", "upstream", "exchange", "ledger", "net", "http",
        ],
    ),
    ("identity", &["compare", "http"]),
    ("compare", &["capture", "tee", "exchange", "http"]),
    ("script", &["capture", "tee", "ledger", "http"]),
    ("capture", &["tee", "exchange", "http"]),
    (
        "replay",
        &[
            "identity", "compare", "script", "capture", "tee", "upstream", "net", "http",
        ],
    ),
    ("tee", &["exchange", "ledger", "http"]),
    ("exchange", &["http"]),
    ("ledger", &["http"]),
    ("upstream", &["net", "http"]),
    ("fuzz", &["script", "http"]),
    ("net", &["http"]),
    ("http", &[]),
    ("config", &[]),
    ("telemetry", &[]),
];

const FLOOR: &[&str] = &["config", "telemetry"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// The room that a file belongs to: the first name below `src`.
fn room(file: &Path, src: &Path) -> String {
    let inner = file.strip_prefix(src).expect("below src");
    let first = inner.components().next().expect("a name");
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The rooms that a line of code names by `crate::room` or in `crate::{room, ...}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => rooms.extend(first_word(rest)),
            Some(list) => rooms.extend(
                top_level(list)
                    .into_iter()
                    .filter_map(|part| first_word(part.trim())),
            ),
        }
    }
    rooms
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    // A macro or a type at the crate's root is no room.
    (!word.is_empty() && word.starts_with(|c: char| c.is_ascii_lowercase())).then_some(word)
}

/// The parts of a list in braces, up to its end, nested ones left whole.
fn top_level(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_u32, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&list[begin..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts
}

/// The code of a file, without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_room_uses_only_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let room = room(&file, &src);
        if room == "lib" {
            continue;
        }
        let Some(allowed) = table.get(room.as_str()) else {
            wrong.push(format!("{}: no room {room} in the table", file.display()));
            continue;
        };
        for used in named(&code(&file)) {
            if used != room && !FLOOR.contains(&used.as_str()) && !allowed.contains(&used.as_str())
            {
                wrong.push(format!("{}: {room} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words in backquotes of a cell.
fn quoted(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_in_the_architecture_is_this_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, rooms) = text.split_once("\n## Rooms\n").expect("## Rooms");
    let rooms = rooms.split("\n## ").next().unwrap();
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let mut documented = 0;
    for row in rooms.lines().filter_map(|line| line.strip_prefix("| `")) {
        let row = format!("`{row}");
        let cells: Vec<_> = row.split(" | ").collect();
        let (rooms, uses) = (quoted(cells[0]), cells[2].trim_end_matches('|').trim());
        for room in rooms {
            documented += 1;
            let allowed: BTreeSet<_> = table[room].iter().copied().collect();
            match uses {
                "all below" | "–" => assert_eq!(uses == "–", allowed.is_empty(), "{room}"),
                // What several rooms share a row for, each may use; they may use one another.
                _ => assert!(
                    quoted(uses).is_subset(&allowed),
                    "{room}: {uses} and {allowed:?}"
                ),
            }
            assert!(
                room == "app"
                    || allowed
                        .iter()
                        .all(|used| uses.contains(used) || cells[0].contains(used)),
                "{room}: {uses} and {allowed:?}"
            );
        }
    }
    assert!(
        documented > 10,
        "{documented} rooms in docs/architecture.md"
    );
}

#[test]
fn the_table_has_no_circle() {
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    // The entrance is one room of three parts.
    let entrance = ["main", "cli", "commands"];
    for (room, _) in TABLE {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = table[room].to_vec();
        while let Some(used) = next.pop() {
            assert!(
                used != *room || entrance.contains(room),
                "{room} stands below itself"
            );
            if seen.insert(used) {
                next.extend(table[used]);
            }
        }
    }
}

/// What a `use` brings in, as whole paths.
fn paths(tree: &str) -> Vec<String> {
    let parts = top_level(tree).into_iter().map(str::trim);
    let paths = parts
        .filter(|part| !part.is_empty())
        .flat_map(|part| match part.split_once('{') {
            Some((before, inner)) => paths(inner)
                .into_iter()
                .map(|path| format!("{before}{path}"))
                .collect(),
            None => vec![part.to_owned()],
        });
    paths.collect()
}

/// The file or the folder of a room that a file belongs to.
fn part(file: &Path, src: &Path) -> Option<String> {
    let inner: Vec<_> = file.strip_prefix(src).unwrap().iter().collect();
    let name = inner.get(1)?.to_str()?;
    Some(name.trim_end_matches(".rs").to_owned())
}

/// Files that a room has for its tests alone.
fn only_for_tests(mod_rs: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(mod_rs).unwrap_or_default();
    let behind = text.split("#[cfg(test)]\nmod ").skip(1);
    behind
        .filter_map(|rest| Some(rest.split_once(';')?.0.to_owned()))
        .collect()
}

/// For each file of a room, the files of the same room that it uses.
fn uses(room: &str, files: &[PathBuf], src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mod_rs = src.join(room).join("mod.rs");
    let of_tests = only_for_tests(&mod_rs);
    let parts = files.iter().filter_map(|file| part(file, src));
    let parts: BTreeSet<_> = parts.filter(|part| !of_tests.contains(part)).collect();
    let head = code(&mod_rs);
    // What the room's head shows comes from one of its files.
    let mut shown = BTreeMap::new();
    for path in head
        .split("use ")
        .skip(1)
        .flat_map(|rest| paths(&format!("{}}}", rest.split(';').next().unwrap())))
    {
        if let Some((from, what)) = path.split_once("::") {
            let name = what.rsplit("::").next().unwrap_or(what);
            shown.insert(name.to_owned(), from.to_owned());
        }
    }
    let mut graph = BTreeMap::new();
    for file in files {
        let Some(own) = part(file, src).filter(|own| own != "mod") else {
            continue;
        };
        let depth = file.strip_prefix(src).unwrap().iter().count() - 1;
        let room_of = [format!("crate::{room}::"), "super::".repeat(depth)];
        let text = code(file);
        let brought = text
            .split("use ")
            .skip(1)
            .flat_map(|rest| paths(&format!("{}}}", rest.split(';').next().unwrap())));
        let used = brought.filter_map(|path| {
            let inner = room_of
                .iter()
                .find_map(|prefix| path.strip_prefix(prefix))?;
            let name = inner.split("::").next()?.to_owned();
            if parts.contains(&name) {
                Some(name)
            } else {
                shown.get(&name).cloned()
            }
        });
        let used: Vec<_> = used.filter(|used| *used != own).collect();
        graph.entry(own).or_insert_with(BTreeSet::new).extend(used);
    }
    graph
}

#[test]
fn no_room_has_a_circle_of_files() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut circles = Vec::new();
    let mut arrows = 0;
    for (room, _) in TABLE {
        let mut files = Vec::new();
        if src.join(room).is_dir() {
            sources(&src.join(room), &mut files);
        }
        if files.is_empty() {
            continue;
        }
        let graph = uses(room, &files, &src);
        arrows += graph.values().map(BTreeSet::len).sum::<usize>();
        for begin in graph.keys() {
            let mut seen = BTreeSet::new();
            let mut next: Vec<_> = graph[begin].iter().collect();
            while let Some(used) = next.pop() {
                if used == begin {
                    circles.push(format!("{room}/{begin}"));
                    break;
                }
                if seen.insert(used) {
                    next.extend(graph.get(used).into_iter().flatten());
                }
            }
        }
    }
    assert!(circles.is_empty(), "on a circle: {circles:?}");
    assert!(arrows > 200, "{arrows} uses found");
}

#[test]
fn names_of_rooms_are_found_in_every_form() {
    let found = named(
        "use crate::net::Address;\nuse crate::{http, tee::{Body, crate_budget}, Ledger};\ncrate::app::run()",
    );
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["app", "http", "net", "tee"]
    );
}
