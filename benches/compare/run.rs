//! Feeds one run of traffic to the comparer, and tells what it and others make of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::{
    app::{Instance, Request},
    compare::{Answer, Asked, Comparer, Limits, PairIn, Report, Settings, differences, extract},
    faults::{Fault, Rate},
    random::Random,
    traffic::{Repeats, World, traffic},
    wire::{Wire, write},
};

/// One run.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub seed: u64,
    pub world: World,
    pub pace: Pace,
    pub requests: usize,
    pub repeats: Repeats,
    pub drift: u64,
    pub has_baseline: bool,
    pub fault: Option<&'a Fault>,
    pub twist: Twist,
    /// Also try the rules of others, which need a third instance.
    pub others: bool,
}

impl Plan<'_> {
    /// Two equal instances of the shop.
    pub(crate) fn equal(seed: u64, requests: usize, repeats: Repeats) -> Self {
        Self {
            seed,
            world: World::Shop,
            pace: Pace::Even,
            requests,
            repeats,
            drift: 0,
            has_baseline: false,
            fault: None,
            twist: Twist::None,
            others: false,
        }
    }
}

/// What else befalls the shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    /// It has lost the sessions of three of four users.
    LostSessions,
    /// Times have heavy tails on both sides.
    HeavyTails,
    /// As well, and it stops for a third of a second now and then.
    Pauses,
    /// As well, and one route takes three times as long.
    SlowRoute,
}

/// The route that is slow.
pub(crate) const SLOW: &str = "/north-north/desk/tickets/";

impl Twist {
    /// How long one side takes, of what it usually takes.
    fn took(self, base: Duration, random: &mut Random) -> Duration {
        if matches!(self, Self::None | Self::LostSessions) {
            return base;
        }
        let tail = (1.0 - random.below(1000) as f64 / 1000.0).sqrt().recip();
        base.mul_f64(tail)
    }

    fn change(self, request: &Request, shadow: &mut Side, random: &mut Random) {
        let is_login = request.path == "/login";
        match self {
            Self::LostSessions if request.user.is_some_and(|user| user % 4 > 0) && !is_login => {
                let location = (b"Location".to_vec(), b"https://shop.example/login".to_vec());
                shadow.wire = Wire {
                    status: 302,
                    headers: vec![location],
                    body: Vec::new(),
                };
            }
            Self::Pauses if random.below(100) == 0 => shadow.took += Duration::from_millis(300),
            Self::SlowRoute if request.path.starts_with(SLOW) => shadow.took *= 3,
            _ => {}
        }
    }
}

/// When requests come, and how far the shadow's clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Even,
    /// Many at once, then none for minutes.
    Bursts,
    /// One in a minute.
    Slow,
    /// The shadow's clock is three seconds ahead.
    Skewed,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Result {
    /// Requests whose answer the fault changed.
    pub touched: HashSet<u64>,
    /// Causes that were confirmed, with their requests.
    pub causes: Vec<(String, HashSet<u64>)>,
    pub unconfirmed: Vec<(String, HashSet<u64>)>,
    pub report: Report,
    /// Places that Diffy's rule tells, with the requests that differ there.
    pub diffy: Vec<(String, HashSet<u64>)>,
    /// Requests that differ at all.
    pub raw: HashSet<u64>,
    pub bytes: usize,
}

struct Side {
    wire: Wire,
    at: i64,
    took: Duration,
}

impl Side {
    fn answer(&self) -> Answer<'_> {
        Answer {
            status: self.wire.status,
            headers: self
                .wire
                .headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            body: &self.wire.body,
            length: self.wire.body.len() as u64,
            is_whole: true,
            at: self.at,
            took: self.took,
        }
    }
}

pub(crate) fn run(plan: Plan<'_>) -> Result {
    let requests = traffic(plan.world, plan.seed, plan.requests, plan.repeats);
    let chosen = plan.fault.and_then(|fault| chosen(fault, &requests, plan));
    let mut chance = Random::new(plan.seed ^ 0xfa17);
    let mut clock = Random::new(plan.seed ^ 0xc10c);
    let mut luck = Random::new(plan.seed ^ 0x1c4);
    let mut primary = Instance::new(plan.seed * 3 + 1, 0);
    let mut shadow = Instance::new(plan.seed * 3 + 2, plan.drift);
    let mut baseline = Instance::new(plan.seed * 3 + 3, plan.drift);
    let mut comparer = Comparer::new(Settings {
        shadow: "next".to_owned(),
        has_baseline: plan.has_baseline,
        ..Settings::default()
    });
    let mut result = Result::default();
    let mut counts = Diffy::default();
    let mut cookies: HashMap<u64, String> = HashMap::new();
    let mut now = 1_790_000_000_000_i64;
    for request in &requests {
        now += match plan.pace {
            Pace::Even | Pace::Skewed => 20 + clock.below(180) as i64,
            Pace::Bursts if request.number % 50 == 0 => 180_000,
            Pace::Bursts => clock.below(4) as i64,
            Pace::Slow => 20_000 + clock.below(80_000) as i64,
        };
        let skew = if plan.pace == Pace::Skewed { 3_000 } else { 0 };
        let mut request = request.clone();
        request.cookie = request.user.map(|user| {
            let cookie = cookies.entry(user).or_insert_with(|| {
                let name = plan.world.cookie();
                format!("{name}={}", Random::new(user * 77).token(120))
            });
            let theme = if user % 2 == 0 { "dark" } else { "light" };
            format!("{cookie}; theme={theme}")
        });
        let base = Duration::from_micros(2_000 + clock.below(9_000));
        let side = |instance: &mut Instance, lag: i64, factor: f64| {
            let reply = instance.answer(&request, now + lag);
            (reply, now + lag, base.mul_f64(factor))
        };
        let (first, at, took) = side(&mut primary, 0, 1.0);
        let first = Side {
            wire: write(&first, request.encoding),
            at,
            took: plan.twist.took(took, &mut luck),
        };
        let lag = 5 + clock.below(250) as i64;
        let (mut second, at, took) = side(
            &mut shadow,
            lag + skew,
            0.9 + clock.below(20) as f64 / 100.0,
        );
        let number = request.number as u64 + 1;
        let mut broken = false;
        if let Some(fault) = plan.fault
            && fault.touches(&request, chosen.as_ref(), &mut chance)
        {
            let before = format!("{second:?}");
            (fault.change)(&request, &mut second, &mut chance);
            broken = before != format!("{second:?}");
        }
        let mut second = Side {
            wire: write(&second, request.encoding),
            at,
            took: plan.twist.took(took, &mut luck),
        };
        plan.twist.change(&request, &mut second, &mut luck);
        let third = (plan.has_baseline || plan.others).then(|| {
            let (third, at, took) = side(&mut baseline, lag + 3, 1.0);
            Side {
                wire: write(&third, request.encoding),
                at,
                took,
            }
        });
        if broken {
            result.touched.insert(number);
        }
        let id = format!("r{number}");
        let pair = PairIn {
            request_id: &id,
            asked: asked(&request),
            primary: first.answer(),
            shadow: second.answer(),
            counterparts: &[],
        };
        let taken = comparer.take(&pair);
        let taken = match &third {
            Some(third) if plan.has_baseline => comparer
                .take_baseline(&id, &third.answer())
                .unwrap_or(taken),
            _ => taken,
        };
        if let Some(probe) = taken.probe {
            let (mut again, at, took) = side(&mut shadow, lag + 400, 1.0);
            // What is by chance is by chance again; what is about a thing is the same again.
            if let Some(fault) = plan.fault
                && (broken && (fault.rate == Rate::OneEntity || is_by_thing(fault))
                    || fault.touches(&request, chosen.as_ref(), &mut chance))
            {
                (fault.change)(&request, &mut again, &mut chance);
            }
            let again = Side {
                wire: write(&again, request.encoding),
                at,
                took,
            };
            comparer.probed(probe.number, &again.answer());
        }
        if let (Some(third), true) = (&third, plan.others) {
            counts.note(number, &request, [&first, &second, third], &mut result.raw);
        }
        if first.wire.status < 400
            && let Some(user) = request.user
        {
            for (name, value) in &first.wire.headers {
                if name == b"Set-Cookie" {
                    let text = String::from_utf8_lossy(value);
                    let cookie = text.split(';').next().unwrap_or_default();
                    cookies.insert(user, cookie.to_owned());
                }
            }
        }
    }
    comparer.finish();
    let reported = comparer.report_with_pairs(now);
    result.bytes = comparer.bytes();
    for cause in &reported.report.causes {
        let pairs = reported
            .pairs
            .get(&cause.id)
            .map(|pairs| pairs.iter().copied().collect())
            .unwrap_or_default();
        let name = format!(
            "{} [{}] {}",
            cause.title, cause.transformation, cause.evidence
        );
        if cause.status == crate::compare::Status::Confirmed {
            result.causes.push((name, pairs));
        } else {
            result.unconfirmed.push((name, pairs));
        }
    }
    result.report = reported.report;
    result.diffy = counts.told();
    result
}

fn is_by_thing(fault: &Fault) -> bool {
    fault.rate == Rate::Always || (fault.rate == Rate::Fifth && fault.name.len().is_multiple_of(2))
}

/// The request that a fault of one thing is about: one of those that are asked for often, if any are.
fn chosen(fault: &Fault, requests: &[Request], plan: Plan<'_>) -> Option<Request> {
    let route = fault.route?;
    let candidates: Vec<&Request> = requests
        .iter()
        .filter(|request| request.is(route))
        .collect();
    let _ = plan;
    // Not among the first, which nobody knows anything of yet.
    candidates
        .get(candidates.len() / 2)
        .map(|request| (*request).clone())
}

pub(crate) fn asked(request: &Request) -> Asked<'_> {
    let mut headers: Vec<(&[u8], &[u8])> = vec![
        (b"Host", b"shop.example"),
        (
            b"Accept",
            if request.path.starts_with("/api") {
                b"application/json"
            } else {
                b"*/*"
            },
        ),
        (b"Accept-Encoding", request.encoding.as_bytes()),
    ];
    if let Some(cookie) = &request.cookie {
        headers.push((b"Cookie", cookie.as_bytes()));
    }
    if request.body.is_some() {
        let is_json = request.path == "/orders";
        headers.push((
            b"Content-Type",
            if is_json {
                b"application/json"
            } else {
                b"application/x-www-form-urlencoded"
            },
        ));
    }
    Asked {
        method: request.method.as_bytes(),
        target: request.target.as_bytes(),
        headers,
        body: request.body.as_deref().map(str::as_bytes),
    }
}

/// Diffy's rule over the same places: a place is told where it differs in more than 20 % of pairs relative to noise, and
/// in 0.03 % of all.
#[derive(Default)]
struct Diffy {
    raw: BTreeMap<(String, String), HashSet<u64>>,
    noise: BTreeMap<(String, String), HashSet<u64>>,
    pairs: BTreeMap<String, u64>,
}

impl Diffy {
    fn note(&mut self, number: u64, request: &Request, sides: [&Side; 3], raw: &mut HashSet<u64>) {
        let [first, second, third] = sides;
        let asked = asked(request);
        let limits = Limits::default();
        let route = request
            .path
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned();
        *self.pairs.entry(route.clone()).or_default() += 1;
        if first.wire.body != second.wire.body
            || first.wire.headers != second.wire.headers
            || first.wire.status != second.wire.status
        {
            raw.insert(number);
        }
        let primary = extract(&asked, &first.answer(), &limits);
        for (side, told) in [(second, &mut self.raw), (third, &mut self.noise)] {
            let other = extract(&asked, &side.answer(), &limits);
            for difference in differences(&primary, &other).found {
                let place = difference.place.as_str().to_owned();
                told.entry((route.clone(), place))
                    .or_default()
                    .insert(number);
            }
        }
    }

    fn told(&self) -> Vec<(String, HashSet<u64>)> {
        self.raw
            .iter()
            .filter(|(key, raw)| {
                let noise = self.noise.get(*key).map_or(0, HashSet::len) as f64;
                let raw = raw.len() as f64;
                let relative = (raw - noise).abs() / (raw + noise) * 100.0;
                let absolute = (raw - noise).abs() / self.pairs[&key.0] as f64 * 100.0;
                relative > 20.0 && absolute > 0.03
            })
            .map(|((route, place), raw)| (format!("{route} {place}"), raw.clone()))
            .collect()
    }
}
