//! Causes are marked as expected over the administration, and that is taken back: in a file that people review, and
//! without one.

use std::{fs, path::Path, thread};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::kit::{Client, Conn, Server, Tee, eventually};

fn shop(factor: u32) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let id: u32 = request
                .target()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap_or(0);
            let body = format!(
                "{{\"id\":{id},\"total\":{},\"name\":\"tea\"}}",
                (100 + id) * factor
            );
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
        }
    })
}

const SENT: u64 = 20;

/// One that has compared orders whose totals are other on the shadow.
fn with_orders(compare: &str) -> (Tee, [Server; 2]) {
    let servers = [shop(1), shop(100)];
    let tee = start(&servers, compare);
    let mut client = tee.client();
    for id in 0..SENT {
        client.get(&format!("/orders/{id}"));
    }
    eventually("what was compared", || {
        (report(&tee)["requests"]["answered"] == SENT).then_some(())
    });
    (tee, servers)
}

fn start([primary, shadow]: &[Server; 2], compare: &str) -> Tee {
    Tee::with_primary(primary)
        .shadow_with("next", shadow, "compare = true")
        .toml(&format!("[compare]\n{compare}"))
        .start()
}

fn report(tee: &Tee) -> Value {
    serde_json::from_str(&tee.ask_admin("/api/report").text()).unwrap()
}

fn causes(tee: &Tee) -> Vec<String> {
    let report = report(tee);
    let causes = report["causes"].as_array().unwrap().iter();
    causes
        .map(|cause| cause["id"].as_str().unwrap().to_owned())
        .collect()
}

fn change(admin: &Path, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut client = Client::connect(admin);
    client.send(format!(
        "{method} {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.answer();
    (answer.status(), answer.text())
}

fn add(tee: &Tee, rule: &Value) -> (u16, String) {
    let admin = tee.admin();
    change(
        admin.as_path(),
        "POST",
        "/api/report/rules",
        &rule.to_string(),
    )
}

fn added(tee: &Tee, rule: &Value) -> Value {
    let (status, text) = add(tee, rule);
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn take_back(tee: &Tee, id: &Value) -> (u16, String) {
    let target = format!("/api/report/rules?id={}", id.as_str().unwrap());
    change(tee.admin().as_path(), "DELETE", &target, "")
}

#[test]
fn a_cause_is_expected_and_taken_back_and_the_file_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let file = "# reviewed by two people\n\n[[rule]]   # old\nplace = '$.gone'\naction = \"ignore\" # ticket 1\n\n# the end\n";
    fs::write(&rules, file).unwrap();
    let (tee, _servers) = with_orders(&format!("rules = {rules:?}"));
    let [cause] = &causes(&tee)[..] else {
        panic!("{:#}", report(&tee));
    };
    let rule =
        json!({"cause": cause, "action": "expected", "reason": "cents", "until": "2999-01-31"});
    let new = added(&tee, &rule);
    assert_eq!((&new["kept"], &new["new"]), (&json!("file"), &json!(true)));
    assert_eq!(causes(&tee), [""; 0]);
    let found = report(&tee);
    assert_eq!(found["requests"]["explained"], SENT);
    let told = &found["rules"][1];
    assert_eq!(told["id"], new["id"]);
    assert_eq!(told["hides"], SENT);
    assert_eq!(told["action"], "expected");
    assert_eq!(told["cause"], **cause);
    assert_eq!(told["title"], "total is 100 times larger");
    assert_eq!(told["until"], "2999-01-31");
    assert_eq!(told["kept"], "file");
    assert!(told["since"].as_str().unwrap().starts_with("20"), "{told}");
    let text = fs::read_to_string(&rules).unwrap();
    assert!(
        text.starts_with(file) && text.contains("100 times larger"),
        "{text}"
    );

    let again = added(&tee, &rule);
    assert_eq!((&again["id"], &again["new"]), (&new["id"], &json!(false)));
    let (status, why) = add(&tee, &json!({"cause": cause, "action": "ignore"}));
    assert_eq!(status, 409, "{why}");
    assert!(why.contains(new["id"].as_str().unwrap()), "{why}");
    assert_eq!(fs::read_to_string(&rules).unwrap(), text);
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(causes(&tee), [""; 0]);

    let (status, said) = take_back(&tee, &new["id"]);
    assert_eq!(status, 200, "{said}");
    assert_eq!(causes(&tee), [cause.as_str()]);
    assert_eq!(fs::read_to_string(&rules).unwrap(), file);
    assert_eq!(take_back(&tee, &new["id"]).0, 404);
    // One that somebody wrote by hand goes as well, and comments around it stay.
    let old = report(&tee)["rules"][0]["id"].clone();
    assert_eq!(take_back(&tee, &old).0, 200);
    let left = fs::read_to_string(&rules).unwrap();
    assert_eq!(left, "# reviewed by two people\n\n# the end\n");
}

#[test]
fn what_is_wrong_with_a_rule_is_said_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let (tee, _servers) = with_orders(&format!("state = {:?}", folder.path()));
    let cause = &causes(&tee)[0];
    for (rule, status, word) in [
        (
            json!({"cause": "c-00000000", "action": "expected"}),
            404,
            "c-00000000",
        ),
        (
            json!({"cause": "total", "action": "expected"}),
            400,
            "total",
        ),
        (
            json!({"cause": cause, "action": "hide"}),
            400,
            "never-noise",
        ),
        (
            json!({"cause": cause, "action": "tolerance:1"}),
            400,
            "place",
        ),
        (
            json!({"cause": cause, "action": "ignore", "until": "soon"}),
            400,
            "2027-01-31",
        ),
        (
            json!({"cause": cause, "action": "ignore", "until": "2020-01-31"}),
            400,
            "over",
        ),
        (json!({"cause": cause}), 400, "action"),
    ] {
        let (told, why) = add(&tee, &rule);
        assert_eq!(told, status, "{rule}: {why}");
        assert!(why.contains(word), "{rule}: {why}");
    }
    assert_eq!(report(&tee)["rules"], json!([]));
    assert!(!rules.exists());
    let target = "/api/report/rules?id=r-00000000";
    let mut client = Client::connect(tee.admin().as_path());
    client.send(format!(
        "DELETE {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(client.answer().status(), 415, "a page could send it");
}

#[test]
fn without_a_file_a_rule_is_kept_with_what_was_learned() {
    let folder = tempfile::tempdir().unwrap();
    let compare = format!("state = {:?}", folder.path());
    let (mut tee, servers) = with_orders(&compare);
    let cause = causes(&tee).remove(0);
    let new = added(
        &tee,
        &json!({"cause": cause, "action": "ignore", "reason": "known"}),
    );
    assert_eq!(new["kept"], "state");
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(causes(&tee), [""; 0]);
    // It is on disk at once.
    tee.signal(Signal::KILL);
    tee.wait_for_exit();
    let mut tee = start(&servers, &compare);
    assert_eq!(causes(&tee), [""; 0]);
    assert_eq!(report(&tee)["rules"][0]["kept"], "state");
    assert_eq!(take_back(&tee, &new["id"]).0, 200);
    assert_eq!(causes(&tee), [cause.as_str()]);
    tee.signal(Signal::KILL);
    tee.wait_for_exit();
    let tee = start(&servers, &compare);
    assert_eq!(causes(&tee), [cause.as_str()]);
}

#[test]
fn without_file_and_state_a_rule_holds_until_the_process_ends_and_says_so() {
    let (tee, _servers) = with_orders("");
    let cause = causes(&tee).remove(0);
    let new = added(&tee, &json!({"cause": cause, "action": "expected"}));
    assert_eq!(new["kept"], "memory");
    assert!(
        new["message"].as_str().unwrap().contains("compare.rules"),
        "{new}"
    );
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(causes(&tee), [""; 0]);
    assert_eq!(report(&tee)["rules"][0]["kept"], "memory");
    assert_eq!(take_back(&tee, &new["id"]).0, 200);
    assert_eq!(causes(&tee), [cause.as_str()]);
}

#[test]
fn a_file_that_can_not_be_written_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, "").unwrap();
    let (tee, _servers) = with_orders(&format!("rules = {rules:?}"));
    // Where the new file is written, whoever this test runs as.
    fs::create_dir(folder.path().join("rules.toml.new")).unwrap();
    let cause = causes(&tee).remove(0);
    let (status, why) = add(&tee, &json!({"cause": cause, "action": "expected"}));
    assert_eq!(status, 500, "{why}");
    assert!(
        why.contains("nothing is changed") && why.contains("[[rule]]"),
        "{why}"
    );
    assert_eq!(causes(&tee), [cause]);
    assert_eq!(fs::read_to_string(&rules).unwrap(), "");
}

#[test]
fn of_many_rules_that_come_at_once_none_is_lost() {
    const AT_ONCE: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, "# mine\n").unwrap();
    let (tee, _servers) = with_orders(&format!("rules = {rules:?}"));
    let admin = tee.admin();
    let ids: Vec<Value> = thread::scope(|scope| {
        let each = (0..AT_ONCE).map(|number| {
            let admin = admin.as_path();
            scope.spawn(move || {
                let rule = json!({"place": format!("$.p{number}"), "action": "ignore"});
                change(admin, "POST", "/api/report/rules", &rule.to_string())
            })
        });
        let each: Vec<_> = each.collect();
        let reloaded = tee.reload();
        assert_eq!(reloaded.status(), 200);
        let answers = each.into_iter().map(|thread| thread.join().unwrap());
        answers
            .map(|(status, text)| {
                assert_eq!(status, 200, "{text}");
                serde_json::from_str::<Value>(&text).unwrap()["id"].clone()
            })
            .collect()
    });
    assert_eq!(report(&tee)["rules"].as_array().unwrap().len(), AT_ONCE);
    for id in &ids {
        assert_eq!(take_back(&tee, id).0, 200);
    }
    assert_eq!(fs::read_to_string(&rules).unwrap(), "# mine\n");
}
