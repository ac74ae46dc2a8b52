//! Exchanges are captured while they pass, and nobody but the capture notices.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::kit::{
    At, Client, Nginx, OK, Server, Setup, Tee, answers, eventually, files, finish, get,
    gor_request, latin1, need, post, shadowtee, stored, tells,
};

/// A tee that captures to a file of this name in its folder, with these settings.
fn capturing(primary: &Server, name: &str, settings: &str) -> Setup {
    let setup = Tee::with_primary(primary);
    let file = setup.dir().join(name);
    setup.toml(&format!(
        "[capture]\nfile = \"{}\"\n{settings}",
        file.display()
    ))
}

/// What became of exchanges in the capture.
fn outcome(tee: &Tee, outcome: &str) -> u64 {
    let text = tee.ask_admin("/metrics").text();
    let name = format!("shadowtee_capture_records_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.expect("the metric").parse().unwrap()
}

#[track_caller]
fn wait_for(tee: &Tee, what: &str, count: u64) {
    eventually(&format!("{count} exchanges that are {what}"), || {
        (outcome(tee, what) >= count).then_some(())
    });
}

/// Stops it, so that everything is in the files.
#[track_caller]
fn end(tee: &mut Tee) {
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
}

#[test]
fn a_file_holds_each_request_as_the_primary_got_it_with_its_answer() {
    for name in ["c.tee", "c.tee.gz", "c.tee.zst", "c.gor", "c.gor.gz"] {
        let primary = Server::unix(tells);
        let mut tee = capturing(&primary, name, "answers = \"body\"").start();
        let mut client = tee.client();
        client.get("/one?a=b");
        client.send(post("/two", "hello")).answer();
        client
            .send("PUT /three HTTP/1.1\r\nHost: a\r\nConnection: x\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n")
            .answer();
        wait_for(&tee, "written", 3);
        let file = tee.dir().join(name);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        end(&mut tee);
        let stored = stored(&file);
        let sent: Vec<_> = primary.requests();
        assert_eq!((stored.len(), sent.len()), (6, 3), "{name}");
        for (pair, sent) in stored.chunks(2).zip(sent) {
            assert_eq!(latin1(&pair[0].message), latin1(&sent.raw), "{name}");
            let text = pair[1].text();
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
            let told = format!("{} {} {}", sent.method(), sent.target(), sent.body.len());
            assert!(text.ends_with(&told), "{text}");
            assert!(pair[1].time > pair[0].time && pair[0].id == pair[1].id);
        }
    }
}

#[test]
fn of_an_answer_status_and_time_are_always_there_and_more_where_it_is_asked_for() {
    let primary = Server::unix(answers(
        "HTTP/1.1 404 No\r\nA: b\r\nContent-Length: 5\r\n\r\nhello",
    ));
    for (settings, shown) in [
        ("", ""),
        ("answers = \"head\"", "A: b\r\nContent-Length: 5\r\n\r\n\n"),
        ("answers = \"body\"", "\r\n\r\nhello\n"),
        (
            "answers = \"body\"\nanswer_bytes = 2",
            "not all of it\nHTTP/1.1 404 No\r\nA: b\r\nContent-Length: 5\r\n\r\nhe\n",
        ),
    ] {
        let tee = capturing(&primary, "c.tee", settings).start();
        tee.get("/");
        wait_for(&tee, "written", 1);
        let file = tee.dir().join("c.tee");
        let output = shadowtee(&["show", file.to_str().unwrap(), "--record", "1"]);
        let text = latin1(&output.stdout);
        assert!(text.contains("answer  404 after "), "{text}");
        assert!(text.ends_with(shown), "{text:?}");
        assert_eq!(text.contains("--- answer"), !settings.is_empty(), "{text}");
    }
}

#[test]
fn a_request_without_an_answer_is_stored_without_one() {
    let primary = Server::unix(|conn| conn.request().map(drop));
    let tee = capturing(&primary, "c.tee", "").start();
    assert_eq!(tee.get("/").status(), 502);
    wait_for(&tee, "written", 1);
    let file = tee.dir().join("c.tee");
    let output = shadowtee(&["show", file.to_str().unwrap(), "--record", "1"]);
    assert!(latin1(&output.stdout).contains("answer  none"));
}

#[test]
fn what_is_not_stored_is_counted_with_its_cause() {
    let primary = Server::unix(answers(OK));
    let tee = capturing(&primary, "c.tee", "body_bytes = \"1KiB\"").start();
    tee.client().send(post("/", &"x".repeat(2000))).answer();
    wait_for(&tee, "body_limit", 1);
    let mut cut = tee.client();
    cut.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    drop(cut);
    wait_for(&tee, "not_whole", 1);
    tee.client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .answer();
    wait_for(&tee, "upgrade", 1);
    tee.get("/");
    wait_for(&tee, "written", 1);
}

#[test]
fn a_body_of_many_pieces_is_stored_whole_and_gives_its_memory_back() {
    let primary = Server::unix(tells);
    let mut tee = capturing(&primary, "c.tee", "answers = \"body\"").start();
    let body: Vec<_> = (0..200_000).map(|n| n.to_string()).collect();
    let body = body.join("\n");
    tee.client().send(post("/", &body)).answer();
    wait_for(&tee, "written", 1);
    eventually("no memory that is held", || {
        let text = tee.ask_admin("/metrics").text();
        (text.contains("shadow_memory_used_bytes 0\n") && text.contains("capture_queued_bytes 0\n"))
            .then_some(())
    });
    end(&mut tee);
    let stored = stored(&tee.dir().join("c.tee"));
    assert_eq!(stored[0].message, primary.request().raw);
}

#[test]
fn secrets_are_left_out() {
    let primary = Server::unix(answers(OK));
    let tee = capturing(
        &primary,
        "c.tee",
        "client = \"cookie:session\"\n[capture.redact]\nheaders = [\"Authorization\"]\ncookies = [\"session\"]\n\
         query = [\"token\"]\njson = [\"password\"]\nkey = \"0123456789abcdef\"",
    )
    .start();
    let json = r#"{"name":"n","password":"hunter2"}"#;
    for _ in 0..2 {
        tee.client()
            .send(format!(
                "POST /?token=s3cret&a=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Basic s3cret\r\nCookie: a=1; session=s3cret\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            ))
            .answer();
    }
    wait_for(&tee, "written", 2);
    let file = tee.dir().join("c.tee");
    let bytes = latin1(&fs::read(&file).unwrap());
    assert!(!bytes.contains("s3cret") && !bytes.contains("hunter2"));
    assert!(bytes.contains("a=1") && bytes.contains("\"name\":\"n\""));
    // Whoever has the same cookie is the same client still.
    let output = shadowtee(&["show", file.to_str().unwrap()]);
    let text = latin1(&output.stdout);
    let clients: Vec<_> = text
        .split_whitespace()
        .filter(|word| word.starts_with("redacted-"))
        .collect();
    assert_eq!(clients.len(), 2, "{text}");
    assert_eq!(clients[0], clients[1]);
    // The primary gets everything.
    assert!(latin1(&primary.wait_for(2)[0].raw).contains("hunter2"));
}

#[test]
fn secrets_are_left_out_of_forms_trailers_and_answers() {
    let primary = Server::unix(answers(
        "HTTP/1.1 302 Found\r\nLocation: /next?token=s3cret&a=1\r\nSet-Cookie: session=s3cret; Path=/\r\n\
         Content-Type: application/json\r\nContent-Length: 44\r\n\r\n[{\"password\":[\"s3cret\",\"s3cret\"]}, \"plain\"] ",
    ));
    let mut tee = capturing(
        &primary,
        "c.tee",
        "answers = \"body\"\n[capture.redact]\nheaders = [\"X-Secret\"]\ncookies = [\"session\"]\n\
         query = [\"token\", \"password\"]\njson = [\"password\"]",
    )
    .start();
    let form = "user[name]=n&user[password]=s3cret&token=s3cret;a=1";
    let mut client = tee.client();
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
        .answer();
    client
        .send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Secret\r\n\r\n\
             4\r\nbody\r\n0\r\nX-Secret: s3cret\r\n\r\n",
        )
        .answer();
    wait_for(&tee, "written", 2);
    end(&mut tee);
    let bytes = latin1(&fs::read(tee.dir().join("c.tee")).unwrap());
    assert!(!bytes.contains("s3cret"), "{bytes}");
    for kept in [
        "user[name]=n&user[password]=redacted&token=redacted;a=1",
        "4\r\nbody\r\n0\r\nX-Secret: redacted\r\n\r\n",
        "/next?token=redacted&a=1",
        "\"plain\"",
    ] {
        assert!(bytes.contains(kept), "{kept} in {bytes}");
    }
}

#[test]
fn files_are_rotated_and_the_oldest_are_removed() {
    let primary = Server::unix(tells);
    let tee = capturing(
        &primary,
        "c-{time}-{instance}-{n}.tee",
        "rotate_bytes = \"64KiB\"\ntotal_bytes = \"256KiB\"\nflush = \"1ms\"",
    )
    .start();
    let mut client = tee.client();
    let body = "x".repeat(20_000);
    for n in 1..=40 {
        client.send(post("/", &body)).answer();
        wait_for(&tee, "written", n);
    }
    let files = files(tee.dir(), ".tee");
    assert!((2..=5).contains(&files.len()), "{files:?}");
    for file in &files {
        let length = fs::metadata(file).unwrap().len();
        assert!(length < 100_000, "{length}");
    }
}

#[test]
fn a_file_that_exists_is_never_written_over() {
    let primary = Server::unix(answers(OK));
    let setup = capturing(&primary, "c.tee", "");
    fs::write(setup.dir().join("c.tee"), "precious").unwrap();
    let tee = setup.start();
    tee.get("/");
    wait_for(&tee, "written", 1);
    assert_eq!(fs::read(tee.dir().join("c.tee")).unwrap(), b"precious");
    assert_eq!(stored(&tee.dir().join("c-1.tee")).len(), 1);
}

#[test]
fn a_process_that_is_killed_leaves_a_file_that_is_read_up_to_its_last_whole_record() {
    for name in ["c.tee", "c.tee.gz", "c.tee.zst", "c.gor", "c.gor.gz"] {
        let primary = Server::unix(tells);
        let tee = capturing(&primary, name, "flush = \"5ms\"").start();
        let mut clients: Vec<Client> = (0..4).map(|_| tee.client()).collect();
        for n in 0..200 {
            for client in &mut clients {
                client.get(&format!("/{n}"));
            }
        }
        wait_for(&tee, "written", 400);
        let written = outcome(&tee, "written");
        for client in &mut clients {
            client.send(get("/last"));
        }
        tee.signal(Signal::KILL);
        let file = tee.dir().join(name);
        let output = shadowtee(&["show", file.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let lines = latin1(&output.stdout).lines().count() as u64;
        assert!(lines >= written, "{name}: {lines} of {written}");
    }
}

#[test]
fn a_full_disk_costs_records_and_no_request() {
    let primary = Server::unix(tells);
    // No file may be larger than this; the log has its share of it, too.
    let tee = capturing(
        &primary,
        "c-{n}.tee",
        "flush = \"1ms\"\n[log]\nlevel = \"warn\"",
    )
    .under(&["prlimit", "--fsize=60000:60000"])
    .start();
    let mut client = tee.client();
    let body = "x".repeat(5000);
    for n in 1..=40 {
        assert_eq!(client.send(post("/", &body)).answer().text(), "POST / 5000");
        if n == 2 {
            wait_for(&tee, "written", n);
        }
    }
    wait_for(&tee, "write_failed", 1);
    tee.wait_for_log("the capture's failure", |line| {
        line.contains("can't be written")
    });
    // It goes on in another file.
    eventually("the capture to go on", || {
        client.get("/again");
        (files(tee.dir(), ".tee").len() > 1).then_some(())
    });
    let first = stored(&files(tee.dir(), "c-1.tee")[0]);
    assert!(!first.is_empty() && first.len() < 40, "{}", first.len());
}

#[test]
fn a_folder_that_goes_away_costs_records_until_it_is_back() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let folder = setup.dir().join("captures");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("c-{n}.tee");
    let tee = setup
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nflush = \"1ms\"",
            file.display()
        ))
        .start();
    let mut client = tee.client();
    client.get("/");
    wait_for(&tee, "written", 1);
    fs::remove_dir_all(&folder).unwrap();
    eventually("records that are lost", || {
        assert_eq!(client.get("/").status(), 200);
        (outcome(&tee, "write_failed") > 0).then_some(())
    });
    fs::create_dir(&folder).unwrap();
    let before = outcome(&tee, "written");
    eventually("records that are written again", || {
        assert_eq!(client.get("/").status(), 200);
        (outcome(&tee, "written") > before).then_some(())
    });
    assert!(!files(&folder, ".tee").is_empty());
}

#[test]
fn a_file_that_is_removed_costs_no_more_than_what_was_in_it() {
    let primary = Server::unix(answers(OK));
    let tee = capturing(&primary, "c-{n}.tee", "flush = \"1ms\"").start();
    let mut client = tee.client();
    client.get("/");
    wait_for(&tee, "written", 1);
    fs::remove_file(&files(tee.dir(), ".tee")[0]).unwrap();
    client.get("/lost");
    wait_for(&tee, "write_failed", 1);
    client.get("/kept");
    wait_for(&tee, "written", 2);
    assert_eq!(outcome(&tee, "write_failed"), 1);
}

#[test]
fn a_disk_that_hangs_costs_records_and_no_request() {
    let primary = Server::unix(tells);
    let setup = capturing(
        &primary,
        "c.tee",
        "flush = \"1ms\"\nqueue = \"64KiB\"\n[log]\nlevel = \"warn\"",
    );
    let file = setup.dir().join("c.tee");
    // The first write to the file takes this long. As a grandchild, strace leaves the child's place to the program.
    let strace = need("strace").display().to_string();
    let (hangs, file) = (Duration::from_secs(3), file.to_str().unwrap());
    let delay = format!("inject=write:delay_enter={}:when=1", hangs.as_micros());
    let tee = setup
        .under(&[
            &strace,
            "-D",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=write",
            "-e",
            &delay,
            "-P",
            file,
        ])
        .start();
    let mut client = tee.client();
    let began = Instant::now();
    for n in 0..50 {
        let answer = client
            .send(post(&format!("/{n}"), &"x".repeat(5000)))
            .answer();
        assert_eq!(answer.text(), format!("POST /{n} 5000"));
    }
    wait_for(&tee, "queue_full", 1);
    tee.wait_for_log("that the disk is too slow", |line| {
        line.contains("the disk is too slow for the capture")
    });
    assert!(outcome(&tee, "written") == 0 && began.elapsed() < hangs);
    let lost = outcome(&tee, "queue_full");
    // Once the disk takes something again, the capture has it, and goes on.
    wait_for(&tee, "written", 50 - lost);
    client.get("/again");
    wait_for(&tee, "written", 51 - lost);
    assert_eq!(outcome(&tee, "queue_full"), lost);
}

#[test]
fn whoever_finds_its_address_taken_leaves_no_file_behind() {
    let primary = Server::unix(answers(OK));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let output = shadowtee(&[
        "run",
        "--listen",
        &taken.local_addr().unwrap().to_string(),
        "--primary",
        &At::at(&primary),
        "--capture",
        dir.path().join("c.tee").to_str().unwrap(),
    ]);
    assert!(!output.status.success());
    assert!(files(dir.path(), ".tee").is_empty());
}

#[test]
fn the_flag_captures_too_and_a_name_that_says_no_format_is_refused() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let file = setup.dir().join("flag.gor");
    let tee = setup.arg("--capture").arg(file.to_str().unwrap()).start();
    tee.get("/");
    wait_for(&tee, "written", 1);
    assert_eq!(stored(&file).len(), 1);
    let output = shadowtee(&[
        "run",
        "--listen",
        "127.0.0.1:0",
        "--primary",
        "127.0.0.1:1",
        "--capture",
        "x.txt",
    ]);
    let said = latin1(&output.stderr);
    assert!(
        !output.status.success() && said.contains("--capture: has to end in .tee or .gor"),
        "{said}"
    );
}

#[test]
fn what_passes_through_nginx_is_captured_byte_for_byte() {
    let primary = Server::unix(tells);
    let mut tee = capturing(&primary, "c.tee.zst", "client = \"header:X-Real-IP\"").start();
    let nginx = Nginx::unix(
        &format!("upstream tee {{ server {}; keepalive 8; }}", At::at(&tee)),
        "location / { proxy_pass http://tee; proxy_http_version 1.1; proxy_set_header Connection \"\";
             proxy_set_header X-Real-IP 192.0.2.7; proxy_request_buffering off; }",
    );
    let mut client = Client::connect(&nginx);
    for n in 0..20 {
        client.get(&format!("/page/{n}?q=a%20b"));
        client.send(post("/form", &"y".repeat(n * 1000))).answer();
    }
    wait_for(&tee, "written", 40);
    end(&mut tee);
    let file = tee.dir().join("c.tee.zst");
    let stored = stored(&file);
    let sent = primary.requests();
    assert_eq!(stored.len(), 40);
    for (stored, sent) in stored.iter().zip(&sent) {
        assert_eq!(latin1(&stored.message), latin1(&sent.raw));
    }
    assert!(stored.is_sorted_by_key(|stored| stored.time));
    let output = shadowtee(&["show", file.to_str().unwrap()]);
    assert!(latin1(&output.stdout).contains("  192.0.2.7  GET /page/0"));
}

#[test]
fn only_what_the_rules_select_is_captured_and_the_rest_is_counted() {
    let primary = Server::unix(tells);
    let rules = "[capture.select]\ndeny = [\"prefix:/health\"]\nallow = [{ method = [\"GET\"] }]";
    let mut tee = capturing(&primary, "c.tee", rules).start();
    let mut client = tee.client();
    client.get("/health/live");
    client.get("/shop");
    client.send(post("/shop", "x")).answer();
    wait_for(&tee, "written", 1);
    assert_eq!(outcome(&tee, "filtered"), 2);
    let file = tee.dir().join("c.tee");
    end(&mut tee);
    let text = stored(&file)[0].text();
    assert!(text.starts_with("GET /shop HTTP/1.1\r\n"), "{text}");
}

/// A file of requests with all that a shell, a terminal or a program could take for something else.
fn odd(dir: &Path) -> PathBuf {
    let requests: [&[u8]; 5] = [
        b"POST /a?q='x'&y=$(id)`id` HTTP/1.1\r\nHost: h\r\nX: it's \"q\" \\ %s\r\nContent-Length: 5\r\n\r\n@file",
        b"POST /dash HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n--help-n",
        b"POST /latin HTTP/1.1\r\nHost: h\r\nX: caf\xe9\r\nContent-Length: 7\r\n\r\n\0\xff'\\\n%\r",
        b"POST /empty HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        b"POST /terminal HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n\x1b[2J\x1b]0;a",
    ];
    let file = dir.join("odd.gor");
    let records: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(n, request)| gor_request(n, n as u64, request))
        .collect();
    fs::write(&file, records.concat()).unwrap();
    file
}

#[test]
fn a_script_of_curl_sends_the_same_bytes_whatever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("odd.sh");
    let output = shadowtee(&[
        "convert",
        odd(dir.path()).to_str().unwrap(),
        script.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    for shell in ["sh", "bash"] {
        let target = Server::tcp(answers(OK));
        let output = finish(Command::new(shell).arg(&script).arg(target.at()));
        assert_eq!(latin1(&output.stderr), "", "{shell}");
        let heads = [
            "POST /a?q='x'&y=$(id)`id` HTTP/1.1\r\nHost: h\r\nX: it's \"q\" \\ %s\r\n",
            "POST /dash HTTP/1.1\r\nHost: h\r\n",
            "POST /latin HTTP/1.1\r\nHost: h\r\nX: caf\u{e9}\r\n",
            "POST /empty HTTP/1.1\r\nHost: h\r\n",
            "POST /terminal HTTP/1.1\r\nHost: h\r\n",
        ];
        let bodies: [&[u8]; 5] = [
            b"@file",
            b"--help-n",
            b"\0\xff'\\\n%\r",
            b"",
            b"\x1b[2J\x1b]0;a",
        ];
        let requests = target.wait_for(5);
        for ((request, head), body) in requests.iter().zip(heads).zip(bodies) {
            let expected = format!("{head}Content-Length: {}\r\n\r\n", body.len());
            assert_eq!(latin1(&request.raw), expected + &latin1(body), "{shell}");
        }
    }
}

#[test]
fn a_terminal_sees_no_control_characters_and_a_pipe_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let file = odd(dir.path());
    let show = |record| {
        let program = env!("CARGO_BIN_EXE_shadowtee");
        format!("'{program}' show '{}' --record {record}", file.display())
    };
    let terminal = |record| {
        let mut script = Command::new("script");
        let output = finish(script.args(["-qec", &show(record), "/dev/null"]));
        latin1(&output.stdout)
    };
    let shown = terminal(5);
    assert!(
        shown.contains("POST /terminal HTTP/1.1") && !shown.contains('\x1b'),
        "{shown:?}"
    );
    assert!(terminal(3).contains("(7 bytes that are no text)"));
    let piped = finish(Command::new("sh").args(["-c", &show(5)]));
    assert!(latin1(&piped.stdout).contains("\r\n\r\n\x1b[2J\x1b]0;a"));
}
