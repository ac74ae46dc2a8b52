//! What the documents say is what the program does: the README's own lines, the example files, the tables.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::kit::{
    Client, Ledger, OK, Server, Tee, answers, eventually, finish, free_port, latin1, need,
    shadowtee,
};

fn document(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The text below a heading, up to the next of its level or above.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let level = format!("\n{} ", heading.split(' ').next().unwrap());
    let (_, below) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{heading:?}"));
    below.split_once(&level).map_or(below, |(inner, _)| inner)
}

/// The code in fences of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// The words in backquotes that begin the rows of tables.
fn first_column(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// A shell in which the README's lines are typed, and all that they start.
struct Shell {
    child: Child,
    log: PathBuf,
}

impl Shell {
    fn start(home: &Path) -> Self {
        let log = home.join("log");
        let child = Command::new("bash")
            .env("HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn say(&mut self, lines: &str) {
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(lines.as_bytes())
            .unwrap();
    }

    /// Waits for all that it started.
    #[track_caller]
    fn end(&mut self) {
        self.say("wait\n");
        drop(self.child.stdin.take());
        eventually("the end of all that the shell started", || {
            self.child.try_wait().unwrap()
        });
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- log\n{}---",
                fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
    }
}

#[test]
fn the_five_minutes_of_the_readme_work_as_they_are_written() {
    need("nginx");
    need("puma");
    let home = tempfile::tempdir().unwrap();
    let (front, admin) = (free_port().to_string(), free_port().to_string());
    let ours = |text: &str| {
        text.replace("127.0.0.1:8080", &front)
            .replace("127.0.0.1:9900", &admin)
    };
    let readme = document("README.md");
    let blocks = blocks(
        section(&readme, "## Five minutes with nginx and unix sockets"),
        "sh",
    );
    let [build, apps, tee, nginx, usage, end] = blocks.as_slice() else {
        panic!("six blocks, not {}", blocks.len())
    };
    // What was built already is not built again, and the folder is the test's.
    assert!(
        build.contains("cargo build --release") && build.contains("mkdir -p ~/tee && cd ~/tee"),
        "{build}"
    );
    let bin = Path::new(env!("CARGO_BIN_EXE_shadowtee")).parent().unwrap();
    // A worker of root's nginx is nobody, who may not enter root's folders.
    let pid = if rustix::process::geteuid().is_root() {
        "user root;\npid nginx.pid;"
    } else {
        "pid nginx.pid;"
    };
    let mut shell = Shell::start(home.path());
    shell.say(&format!(
        "export PATH=\"{}:/usr/sbin:$PATH\"\nmkdir -p ~/tee && cd ~/tee\n",
        bin.display()
    ));
    shell.say(apps);
    shell.say(&ours(tee));
    shell.say(&ours(nginx).replace("pid nginx.pid;", pid));
    let page = |path: &str| {
        let answer = Client::try_connect(&front).ok()?.get(path);
        (answer.status() == 200).then(|| answer.text())
    };
    let folder = home.path().join("tee");
    for socket in ["app.sock", "next.sock", "tee.sock"] {
        let socket = folder.join(socket);
        eventually("a socket", || Client::try_connect(socket.as_path()).ok());
    }
    eventually("an answer of the application", || page("/ready"));
    eventually("the admin", || Client::try_connect(&admin).ok());
    let warm: Ledger = ledger(&admin);
    let output = finish(
        Command::new("bash")
            .args(["-c", &ours(usage)])
            .env("HOME", home.path())
            .current_dir(&folder),
    );
    let said = latin1(&output.stdout);
    assert!(
        said.contains("version 1: /hello\n") && said.contains("version 1: /report\n"),
        "{output:?}"
    );
    eventually("two copies that were answered", || {
        (ledger(&admin).count("next", "answered") >= warm.count("next", "answered") + 2)
            .then_some(())
    });
    let log = folder.join("shadowtee.log");
    let line = eventually("the difference in the log", || {
        fs::read_to_string(&log)
            .unwrap()
            .lines()
            .find(|line| line.contains("/report"))
            .map(str::to_owned)
    });
    assert!(line.contains("200") && line.contains("500"), "{line}");
    shell.say(end);
    shell.end();
    for gone in [&front, &admin] {
        assert!(Client::try_connect(gone).is_err(), "{gone} is still served");
    }
}

fn ledger(admin: &str) -> Ledger {
    let ask = format!("GET /api/ledger HTTP/1.1\r\nHost: {admin}\r\n\r\n");
    let answer = Client::connect(admin).send(ask).answer();
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn every_example_file_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|ending| ending == "toml") {
            let output = shadowtee(&["check", "--config", file.to_str().unwrap()]);
            assert!(
                output.status.success(),
                "{}: {}",
                file.display(),
                latin1(&output.stderr)
            );
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked} example files");
}

#[test]
fn the_file_of_all_settings_has_the_defaults() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/shadowtee.toml");
    let full = shadowtee(&["check", "--config", file.to_str().unwrap()]);
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small.toml");
    fs::write(
        &small,
        "listen = [\"unix:/run/shadowtee/http.sock\"]\n[primary]\naddress = \"unix:/run/app/puma.sock\"\n\
         [[shadow]]\nname = \"next\"\naddress = \"http://10.0.0.2:8080\"\n",
    )
    .unwrap();
    let small = shadowtee(&["check", "--config", small.to_str().unwrap()]);
    assert_eq!(latin1(&full.stdout), latin1(&small.stdout));
    // Each key that is shown stands in the file, if only as a comment.
    let text = document("config/shadowtee.toml");
    for line in latin1(&full.stdout).lines() {
        if let Some((key, _)) = line.split_once(" = ") {
            assert!(
                text.contains(&format!("{} = ", key.trim())),
                "{key} in config/shadowtee.toml"
            );
        }
    }
}

#[test]
fn the_reference_has_every_setting() {
    let text = document("docs/configuration.md");
    let known = first_column(&text);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/shadowtee.toml");
    let full = shadowtee(&["check", "--config", file.to_str().unwrap()]);
    let shown: toml::Table = latin1(&full.stdout).parse().unwrap();
    for (table, value) in &shown {
        let keys = match value {
            toml::Value::Table(table) => table.keys().cloned().collect::<Vec<_>>(),
            toml::Value::Array(tables) => tables[0]
                .as_table()
                .map(|table| table.keys().cloned().collect())
                .unwrap_or_default(),
            _ => vec![table.clone()],
        };
        for key in keys {
            assert!(
                known.contains(&key),
                "{table}.{key} in docs/configuration.md"
            );
        }
    }
}

#[test]
fn the_page_of_outcomes_has_every_outcome_and_no_other() {
    let page = document("docs/outcomes.md");
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &primary).start();
    let known: BTreeSet<_> = tee.ledger().shadows["next"]
        .outcomes
        .keys()
        .cloned()
        .collect();
    assert_eq!(first_column(section(&page, "## Outcomes of copies")), known);
}

#[test]
fn the_table_of_metrics_has_every_metric_and_no_other() {
    let documented = first_column(&document("docs/metrics.md"));
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &primary, "compare = true\nidentity = true")
        .toml("[script]\ncommand = [\"cat\"]")
        .start();
    tee.get("/");
    tee.settled(1);
    let text = tee.ask_admin("/metrics").text();
    let declared = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let bare = |name: &str| name.trim_end_matches("_total").to_owned();
    let known: BTreeSet<_> = declared
        .map(|line| bare(line.split(' ').next().unwrap()))
        .collect();
    assert!(!known.is_empty());
    assert_eq!(
        documented
            .iter()
            .map(|name| bare(name))
            .collect::<BTreeSet<_>>(),
        known
    );
}

#[test]
fn the_readme_has_the_two_commands() {
    let readme = document("README.md");
    assert!(readme.contains("    cargo run --release -- demo\n"));
    assert!(readme.contains("    tests/run.sh\n"));
    assert!(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/run.sh")
            .exists()
    );
}

#[test]
fn the_lines_for_nginx_are_accepted_by_nginx() {
    let lines = document("deploy/nginx/site.conf");
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("nginx.conf");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nginx/site.conf");
    assert!(lines.contains("proxy_pass"));
    let text = format!(
        "pid {at}/pid; error_log stderr;\nevents {{ }}\nhttp {{\naccess_log off; client_body_temp_path {at}/a;\n\
         proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;\n\
         include {};\n}}\n",
        file.display(),
        at = dir.path().display()
    );
    fs::write(&conf, text).unwrap();
    let output = finish(
        Command::new(need("nginx"))
            .arg("-p")
            .arg(dir.path())
            .arg("-t")
            .arg("-c")
            .arg(&conf)
            .args(["-e", "stderr"]),
    );
    assert!(output.status.success(), "{}", latin1(&output.stderr));
}

/// Every flag of `GoReplay` 1.3, as its own help lists them.
const GOR: &str = "copy-buffer-size debug exit-after http-allow-header http-allow-method http-allow-url \
    http-basic-auth-filter http-disallow-header http-disallow-url http-header-limiter http-original-host \
    http-param-limiter http-pprof http-rewrite-header http-rewrite-url http-set-header http-set-param input-dummy \
    input-file input-file-loop input-kafka-host input-kafka-json-format input-kafka-topic input-raw \
    input-raw-bpf-filter input-raw-buffer-size input-raw-engine input-raw-expire input-raw-immediate-mode \
    input-raw-override-snaplen input-raw-realip-header input-raw-timestamp-type input-raw-track-response input-tcp \
    input-tcp-certificate input-tcp-certificate-key input-tcp-secure middleware output-dummy output-file \
    output-file-append output-file-flush-interval output-file-max-size-limit output-file-queue-limit \
    output-file-size-limit output-http output-http-compatibility-mode output-http-debug output-http-elasticsearch \
    output-http-header output-http-header-filter output-http-header-hash-filter output-http-method \
    output-http-queue-len output-http-redirects output-http-response-buffer output-http-rewrite-url \
    output-http-stats output-http-stats-ms output-http-timeout output-http-track-response output-http-url-regexp \
    output-http-workers output-http-workers-min output-kafka-host output-kafka-json-format output-kafka-topic \
    output-null output-stdout output-tcp output-tcp-secure output-tcp-stats output-tcp-workers prettify-http \
    split-output stats verbose";

/// The two sides of the rows, of which the first is quoted.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.trim_end_matches(" |").split_once(" | "))
        .filter(|(theirs, _)| theirs.contains('`') && !theirs.contains("`gor`"))
        .collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of flags in a text.
fn flags(text: &str) -> BTreeSet<&str> {
    let words = text.split([' ', '`', '"', ',']);
    words
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|flag| !flag.is_empty())
        .collect()
}

#[test]
fn whoever_comes_from_goreplay_finds_every_flag() {
    let page = document("docs/goreplay.md");
    let rows = rows(&page);
    let theirs: BTreeSet<_> = rows.iter().flat_map(|(theirs, _)| flags(theirs)).collect();
    assert_eq!(theirs, GOR.split_whitespace().collect());
}

#[test]
fn what_the_table_for_goreplays_users_says_can_be_written() {
    let page = document("docs/goreplay.md");
    let help = ["run", "replay"].map(|command| latin1(&shadowtee(&[command, "--help"]).stdout));
    let help = help.concat();
    let (mut seen, dir) = (0, tempfile::tempdir().unwrap());
    for (_, ours) in rows(&page) {
        for said in quoted(ours).filter(|said| !said.starts_with("timeout ")) {
            for flag in flags(said) {
                let other = ["explain"].contains(&flag);
                assert!(other || help.contains(&format!("--{flag}")), "--{flag}");
            }
            if let Some((key, _)) = said.split_once(" = ")
                && !key.starts_with('[')
            {
                let file = dir.path().join("shadowtee.toml");
                let toml = format!(
                    "listen = [\"127.0.0.1:1\"]\nprimary.address = \"127.0.0.1:2\"\n\
                     [[shadow]]\nname = \"a\"\naddress = \"127.0.0.1:3\"\n{said}\n"
                );
                fs::write(&file, toml).unwrap();
                let output = shadowtee(&["check", "--config", file.to_str().unwrap()]);
                assert!(
                    output.status.success(),
                    "{said}: {}",
                    latin1(&output.stderr)
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 5, "{seen} settings");
}

#[test]
fn the_reference_has_every_flag() {
    let text = document("docs/configuration.md");
    let documented: BTreeSet<_> = section(&text, "## Flags")
        .lines()
        .filter_map(|line| line.strip_prefix("| `--"))
        .filter_map(|row| row.split([' ', '`']).next())
        .collect();
    let help = latin1(&shadowtee(&["run", "--help"]).stdout);
    let words = help
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.split("--").nth(1).filter(|_| line.starts_with('-')))
        .filter_map(|rest| rest.split([' ', '\n']).next());
    let known: BTreeSet<_> = words.filter(|flag| *flag != "help").collect();
    assert_eq!(documented, known);
}

/// All of the program's text, its line ends in the middle of texts taken out.
fn program_text() -> String {
    fn read(folder: &Path, into: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, into);
            } else {
                into.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut text,
    );
    let mut whole = String::new();
    for line in text.split("\\\n") {
        whole.push_str(line.trim_start());
    }
    whole
}

#[test]
fn the_messages_of_the_troubleshooting_page_are_those_of_the_program() {
    let text = document("docs/troubleshooting.md");
    let program = program_text();
    // What other programs say, what the system says, and names that stand elsewhere.
    let foreign = |said: &str| {
        [
            "(",
            "connect() to",
            "upstream ",
            "Address already",
            "No such file",
            "start operation",
        ]
        .iter()
        .any(|begin| said.starts_with(begin))
    };
    let mut checked = 0;
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let cell = row.split(" | ").next().unwrap();
        for said in cell
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|said| !foreign(said))
        {
            assert!(program.contains(said), "{said:?} is nowhere in the program");
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
}

#[test]
fn every_field_of_the_log_is_documented() {
    let text = document("docs/logs.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let known: BTreeSet<_> = rows
        .flat_map(|row| {
            row.split(" | ")
                .next()
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .collect();
    let primary = Server::unix(answers("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
    let shadow = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .shadow_with("none", &free_port(), "script.command = [\"false\"]")
        .shadow_with(
            "loud",
            &shadow,
            "script.command = [\"sh\", \"-c\", \"echo hello >&2; exec cat\"]",
        )
        .toml("[log]\naccess = true\nlevel = \"debug\"\n[stop]\nlinger = \"10ms\"")
        .start();
    for _ in 0..25 {
        tee.get("/");
    }
    tee.client().send("no request\r\n\r\n").answer();
    tee.settled(26);
    for said in ["the script says", "the script is down"] {
        tee.wait_for_log(said, |line| line.contains(said));
    }
    tee.configure(|text| text + "\nwrong = 1\n");
    assert_eq!(tee.reload().status(), 422);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    let mut found = BTreeSet::new();
    for line in tee.log().lines() {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        found.extend(line.keys().cloned());
    }
    assert!(
        found.contains("primary_ms") && found.contains("mistake"),
        "{found:?}"
    );
    let missing: Vec<_> = found
        .iter()
        .filter(|field| !known.contains(field.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?} in docs/logs.md");
}

#[test]
fn the_readme_ends_after_five_minutes() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 150, "{lines} lines: the rest belongs to docs/");
}

/// Every document of the project: all that ends with `.md` and is not built or fetched.
fn documents() -> Vec<PathBuf> {
    fn find(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                    find(&path, into);
                }
            } else if name.ends_with(".md") {
                into.push(path);
            }
        }
    }
    let mut found = Vec::new();
    find(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
    found.sort();
    found
}

/// The lines of a document that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence && !line.starts_with("    ")
    })
}

/// The anchors of a document's headings, as its reader makes them: one that is there already gets a number.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let number = |n: usize| format!("{slug}-{n}");
        let mut names = std::iter::once(slug.clone()).chain((1..).map(number));
        anchors.insert(names.find(|name| !anchors.contains(name)).unwrap());
    }
    anchors
}

/// Where the links of a document lead, less those to other places of the net.
fn links(text: &str) -> Vec<&str> {
    // A link may be broken over two lines, but not between its text and its place.
    let places = prose(text).flat_map(|line| line.split("](").skip(1));
    places
        .map(|rest| rest.split([')', ' ']).next().unwrap())
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .collect()
}

#[test]
fn every_link_in_every_document_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in documents() {
        let name = document.strip_prefix(root).unwrap().display();
        for link in links(&fs::read_to_string(&document).unwrap()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                _ => document.parent().unwrap().join(file),
            };
            let leads = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !leads {
                wrong.push(format!("{name}: {link}"));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "{checked} links");
}

#[test]
fn every_document_is_linked_from_another() {
    let mut linked = BTreeSet::new();
    for document in documents() {
        for link in links(&fs::read_to_string(&document).unwrap()) {
            let file = link.split('#').next().unwrap();
            let target = document.parent().unwrap().join(file);
            if let Some(target) = target.canonicalize().ok().filter(|at| *at != document) {
                linked.insert(target);
            }
        }
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let docs = docs.canonicalize().unwrap();
    for document in documents() {
        let document = document.canonicalize().unwrap();
        if document.starts_with(&docs) {
            assert!(
                linked.contains(&document),
                "no document leads to {}",
                document.display()
            );
        }
    }
}

/// Places in the project that programs, settings and comments name.
#[test]
fn documents_that_files_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "config", "deploy", "fuzz"] {
        every_file(&root.join(folder), &mut files);
    }
    let mut checked = 0;
    for file in files {
        // What is no text names nothing.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for rest in text.split("docs/").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_/.".contains(*c))
                .collect();
            let named = Path::new("docs").join(name.trim_end_matches('.'));
            if named.extension().is_some_and(|ending| ending == "md") {
                assert!(
                    root.join(&named).exists(),
                    "{}: {}",
                    file.display(),
                    named.display()
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked} names");
}

fn every_file(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("target") || path.ends_with("node_modules") => {}
            true => every_file(&path, into),
            false => into.push(path),
        }
    }
}

#[test]
fn contributors_are_told_of_every_daily_command_and_every_decision_is_in_the_index() {
    let justfile = document("justfile");
    let recipes = justfile.lines().filter(|line| {
        let is_recipe = line.starts_with(|c: char| c.is_ascii_lowercase());
        is_recipe && line.contains(':')
    });
    let recipes: BTreeSet<_> = recipes
        .map(|line| line.split([' ', ':']).next().unwrap())
        .collect();
    let guide = document("CONTRIBUTING.md");
    let told: BTreeSet<_> = section(&guide, "## The daily commands")
        .lines()
        .filter_map(|line| line.strip_prefix("| `just "))
        .map(|row| row.split(['`', ' ']).next().unwrap())
        .collect();
    assert_eq!(told, recipes);
    // Scripts that the recipes run.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in justfile.lines().filter(|line| line.starts_with("    ")) {
        let command = line.split_whitespace().next().unwrap();
        if command.contains('/') && !command.contains('=') {
            assert!(root.join(command).exists(), "{command}");
        }
    }
    let index = document("docs/decisions/README.md");
    for entry in fs::read_dir(root.join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            let row = format!("| [{}]({name}) |", &name[..4]);
            assert!(index.contains(&row), "{row}");
            let page = document(&format!("docs/decisions/{name}"));
            assert!(page.starts_with(&format!("# {}. ", &name[..4])), "{name}");
        }
    }
}

#[test]
fn man_pages_and_completions_are_made_of_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let output = shadowtee(&["generate", dir.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", latin1(&output.stderr));
    // What the Debian package takes of them.
    let manifest: toml::Table = document("Cargo.toml").parse().unwrap();
    let assets = &manifest["package"]["metadata"]["deb"]["assets"];
    for asset in assets.as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        if let Some(name) = source
            .strip_prefix("target/generated/")
            .filter(|name| !name.contains('*'))
        {
            assert!(dir.path().join(name).exists(), "{name}");
        } else if !source.contains('*') && !source.starts_with("target/") {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(),
                "{source}"
            );
        }
    }
    let page = fs::read_to_string(dir.path().join("shadowtee-run.1")).unwrap();
    assert!(page.contains("access") && page.contains("primary"));
    let page = dir.path().join("shadowtee.1");
    let output = finish(
        Command::new(need("man"))
            .args(["--warnings", "--local-file"])
            .arg(page)
            .env("MANPAGER", "cat"),
    );
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        latin1(&output.stderr)
    );
    let check = format!(
        "source {}/shadowtee.bash && complete -p shadowtee",
        dir.path().display()
    );
    assert!(
        finish(Command::new("bash").args(["-c", &check]))
            .status
            .success()
    );
}
