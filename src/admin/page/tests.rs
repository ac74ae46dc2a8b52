//! Views as text, from reports that are made here.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode, header::HeaderName};
use http_body_util::BodyExt;
use maud::Markup;

use crate::{
    admin::{
        About, Administration, CaptureState, Order, Reloading, Replaying, RuleAdded, RuleRefused,
        RuleRemoved, SampleState, ShadowState,
        call::{Call, Reply},
    },
    compare::{
        Cause, Coverage, NoExample, NotResent, Report, RouteCount, Status, When, WholeExample,
    },
    config::{Secret, ShadowRole},
    ledger::Ledger,
    lifecycle::Phase,
    telemetry::{
        history::{History, Rings},
        metrics::Samples,
    },
};

/// A program that has found this.
struct Program {
    ledger: Ledger,
    reports: Vec<Arc<Report>>,
}

impl Program {
    fn of(reports: Vec<Report>) -> Self {
        Self {
            ledger: Ledger::new(1),
            reports: reports.into_iter().map(Arc::new).collect(),
        }
    }
}

impl Administration for Program {
    fn phase(&self) -> Phase {
        Phase::Running
    }
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
    fn samples(&self) -> Samples {
        Samples::default()
    }
    fn shadows(&self) -> Vec<ShadowState> {
        let state = |report: &Arc<Report>| ShadowState {
            name: report.shadow.clone(),
            address: "unix:/run/next.sock".to_owned(),
            role: ShadowRole::Upgrade,
            compare: true,
            identity: false,
            build: None,
            paused: false,
            sample: SampleState {
                percent: serde_json::from_value("100%".into()).unwrap(),
                configured: serde_json::from_value("100%".into()).unwrap(),
                by: "random".to_owned(),
            },
            breaker: "closed",
            breaker_changed: None,
            low_priority: false,
            queued: 0,
            changes: Vec::new(),
        };
        self.reports.iter().map(state).collect()
    }
    fn about(&self) -> About {
        About {
            version: "1",
            started: SystemTime::UNIX_EPOCH,
            listen: Vec::new(),
            primary: String::new(),
        }
    }
    fn history(&self) -> History {
        let rings = Rings::new();
        History {
            now: 7200,
            started: 0,
            hour: rings.hour(),
            day: rings.day(),
            events: Vec::new(),
        }
    }
    fn captures(&self) -> Vec<CaptureState> {
        Vec::new()
    }
    fn configuration(&self) -> String {
        String::new()
    }
    fn change(&self, _: &str, _: Order) -> bool {
        false
    }
    fn compared(&self) -> Vec<String> {
        self.reports
            .iter()
            .map(|report| report.shadow.clone())
            .collect()
    }
    fn reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>> {
        let mut reports = self.reports.clone();
        reports.retain(|report| shadow.is_none_or(|shadow| report.shadow == shadow));
        reports
    }
    fn exact_reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>> {
        self.reports(shadow)
    }
    fn example(&self, _: Option<&str>, _: &str) -> Result<WholeExample, NoExample> {
        Err(NoExample::Off)
    }
    fn replay(&self, _: Option<&str>, _: &str, _: bool) -> Replaying {
        Box::pin(async { Err(NotResent::Stopping) })
    }
    fn reset_reports(&self, _: Option<&str>) -> bool {
        false
    }
    fn add_rule(&self, _: &[u8]) -> Result<RuleAdded, RuleRefused> {
        Err(RuleRefused::Wrong("it is none".to_owned()))
    }
    fn remove_rule(&self, _: &str) -> Result<RuleRemoved, RuleRefused> {
        Err(RuleRefused::Unknown("there is none".to_owned()))
    }
    fn token(&self) -> Option<Secret> {
        None
    }
    fn reload(&self) -> Reloading {
        Box::pin(async { Ok(String::new()) })
    }
}

/// What a view answers with, and its status.
async fn seen(
    program: &Program,
    view: fn(&Call<'_>) -> Reply,
    address: &str,
    name: &str,
    header: Option<&'static str>,
) -> (StatusCode, String) {
    let mut request = Request::get(address).body(Bytes::new()).unwrap();
    if let Some(header) = header {
        let (header, value) = (HeaderName::from_static(header), "1".parse().unwrap());
        request.headers_mut().insert(header, value);
    }
    let call = Call {
        source: program,
        request: &request,
        name,
    };
    let reply = view(&call);
    let status = reply.status();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn cause(number: usize, text: &str, routes: usize) -> Cause {
    let route = |at: usize| RouteCount {
        route: format!("GET /{text}/{at}"),
        different: 3,
        of: 10,
    };
    let json = serde_json::json!({
        "id": format!("c-{number:08x}"), "title": format!("{text} {number} is gone"), "status": "confirmed",
        "severity": 40, "kind": "missing", "place": format!("$.{text}"), "transformation": "gone", "routes": [],
        "sessions": 4, "when": [], "first_seen": "2026-11-27T10:00:00Z", "last_seen": "2026-11-27T11:00:00Z",
        "evidence": text, "rank": 1.0, "last_hour": vec![3; 60],
        "example": { "request_id": "1", "method": "GET", "target": format!("/{text}"), "primary": text, "shadow": null,
            "curl": format!("curl '{text}'") },
    });
    Cause {
        routes: (0..routes).map(route).collect(),
        when: vec![When {
            feature: text.to_owned(),
            hit: [1, 1],
            miss: [0, 2],
        }],
        parts: vec![text.to_owned(); routes],
        ..serde_json::from_value(json).unwrap()
    }
}

fn report(shadow: &str, text: &str, routes: usize, causes: usize) -> Report {
    let coverage = |at: usize| Coverage {
        route: format!("GET /{text}/{at}"),
        requests: 10,
        compared: 10,
        not_judged: 1,
        statuses: [("200".to_owned(), 9), ("404".to_owned(), 1)].into(),
    };
    let mut report = Report {
        shadow: shadow.to_owned(),
        coverage: (0..routes).map(coverage).collect(),
        causes: (0..causes).map(|number| cause(number, text, 20)).collect(),
        never_seen: vec![format!("GET /{text}"); routes],
        ..Report::default()
    };
    report.requests.answered = 10 * routes as u64;
    report.requests.compared = report.requests.answered;
    report.requests.different = 3;
    report
}

type View = fn(&Call<'_>) -> Reply;

const VIEWS: [(View, &str, &str); 9] = [
    (super::overview, "/", ""),
    (super::cause, "/causes/c-00000001", "c-00000001"),
    (super::routes, "/routes", ""),
    (super::sessions, "/sessions", ""),
    (super::shadows, "/shadows", ""),
    (super::shadow, "/shadows/next", "next"),
    (super::rules, "/rules", ""),
    (super::captures, "/captures", ""),
    (super::configuration, "/configuration", ""),
];

const LARGEST: usize = 300 * 1024;

#[tokio::test]
async fn every_view_of_much_is_small() {
    let mut reports = vec![report("next", "orders", 5_000, 300)];
    reports.extend((0..49).map(|at| report(&format!("next-{at}"), "orders", 100, 6)));
    let program = Program::of(reports);
    for (view, address, name) in VIEWS {
        for header in [None, Some("x-shadowtee-live")] {
            let (status, text) = seen(&program, view, address, name, header).await;
            assert_eq!(status, StatusCode::OK, "{address}");
            assert!(text.len() < LARGEST, "{address}: {} bytes", text.len());
        }
    }
}

#[tokio::test]
async fn what_strangers_sent_is_text_however_long() {
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}\0";
    for text in [
        hostile.to_owned(),
        format!("{hostile}{}", "x".repeat(1 << 20)),
    ] {
        let program = Program::of(vec![report("next", &text, 20, 5)]);
        for (view, address, name) in VIEWS {
            for header in [None, Some("x-shadowtee-live")] {
                let (status, page) = seen(&program, view, address, name, header).await;
                assert_eq!(status, StatusCode::OK, "{address}");
                assert!(
                    !page.contains("<script>alert") && !page.contains("<img"),
                    "{address}"
                );
                assert!(!page.contains(['\u{202e}', '\0']), "{address}");
                assert!(page.len() < LARGEST, "{address}: {} bytes", page.len());
            }
        }
    }
}

#[tokio::test]
async fn the_sentence_says_how_the_upgrade_does() {
    let mut known = report("next", "orders", 912, 4);
    known.requests.different = 60;
    known.requests.explained = 2050;
    known.not_compared.insert("truncated".to_owned(), 3);
    let said = super::overview::sentence(&[Arc::new(known)]);
    assert_eq!(
        said,
        "Of 9,120 answers compared, 60 are wrong, in 4 causes. 2,050 differ for reasons that are known. 3 could not be \
         compared."
    );
    let none = super::overview::sentence(&[]);
    assert_eq!(none, "No shadow is compared with production.");
}

#[tokio::test]
async fn a_link_shows_what_it_says() {
    let mut known = report("next", "orders", 5, 60);
    known.causes[7].title = "the needle is gone".to_owned();
    known.causes[8].status = Status::Unconfirmed;
    let program = Program::of(vec![known]);
    let count = |page: &str| page.matches("<li class=\"cause\"").count();
    for (address, expected) in [
        ("/", 50),
        ("/?page=2", 10),
        ("/?page=99", 10),
        ("/?q=needle", 1),
        ("/?q=NEEDLE&state=uncertain", 0),
        ("/?state=uncertain", 1),
    ] {
        let (_, page) = seen(&program, super::overview, address, "", None).await;
        assert_eq!(count(&page), expected, "{address}");
    }
    let (status, _) = seen(&program, super::overview, "/?shadow=none", "", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_there_says_where_it_may_have_gone() {
    let program = Program::of(vec![report("next", "orders", 5, 1)]);
    let gone: [(View, &str, &str); 4] = [
        (super::cause, "/causes/c-ffffffff", "c-ffffffff"),
        (super::shadow, "/shadows/none", "none"),
        (super::route, "/route?name=none", ""),
        (super::example, "/causes/c-00000000/example", "c-00000000"),
    ];
    for (view, address, name) in gone {
        let (status, page) = seen(&program, view, address, name, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{address}");
        assert!(
            page.contains("<h1>") && page.contains("<a href"),
            "{address}"
        );
    }
}

/// How long the largest views take: printed, for whoever changes them.
#[tokio::test]
#[ignore = "it measures; cargo test --release -- --ignored --nocapture views_of_much"]
async fn views_of_much_are_quick() {
    let mut reports = vec![report("next", "orders", 5_000, 300)];
    reports.extend((0..49).map(|at| report(&format!("next-{at}"), "orders", 100, 6)));
    let program = Program::of(reports);
    for (view, address, name) in VIEWS {
        let begin = std::time::Instant::now();
        let (_, text) = seen(&program, view, address, name, None).await;
        println!("{address}: {} bytes, {:?}", text.len(), begin.elapsed());
    }
}

/// Markup is what all views are made of.
#[test]
fn a_region_is_placed_and_told_by_its_id() {
    let regions = super::live::Regions::default();
    let inner: Markup = maud::html! { b { "1 < 2" } };
    let placed = regions.region("sum", inner).into_string();
    assert_eq!(placed, "<div id=\"sum\" data-region><b>1 &lt; 2</b></div>");
    assert_eq!(regions.json(), r#"{"sum":"<b>1 &lt; 2</b>"}"#);
}
