//! The scripted traffic: who asks for what, and when. Requests come again, or never do.

use crate::{app::Request, random::Random};

/// Whether requests come twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    Often,
    Never,
}

/// Which application is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    Shop,
    Desk,
    /// The desk in forty areas, each with all of its routes.
    Areas,
    /// In four: twenty routes.
    Twenty,
    Fleet,
}

impl World {
    /// The name of its session's cookie.
    pub(crate) fn cookie(self) -> &'static str {
        match self {
            Self::Shop => "_shop_session",
            Self::Desk | Self::Areas | Self::Twenty => "desk",
            Self::Fleet => "sid",
        }
    }
}

pub(crate) fn traffic(world: World, seed: u64, count: usize, repeats: Repeats) -> Vec<Request> {
    match world {
        World::Shop => shop(seed, count, repeats),
        World::Desk => of_routes(&DESK, 1, seed, count, repeats),
        World::Areas => of_routes(&DESK, 40, seed, count, repeats),
        World::Twenty => of_routes(&DESK, 4, seed, count, repeats),
        World::Fleet => of_routes(&FLEET, 1, seed, count, repeats),
    }
}

/// Routes with their share in percent.
type Shares = [(&'static str, u64); 5];
const DESK: Shares = [
    ("/desk/tickets/{n}", 40),
    ("/desk/board", 25),
    ("/desk/list?page={n}", 15),
    ("/desk/session", 10),
    ("/desk/go/{n}", 10),
];
const FLEET: Shares = [
    ("/fleet/vehicles/{n}", 45),
    ("/fleet/map", 22),
    ("/fleet/trips?page={n}", 13),
    ("/fleet/token", 10),
    ("/fleet/share/{n}", 10),
];
const AREAS: [&str; 10] = [
    "north", "south", "east", "west", "sales", "labs", "press", "legal", "staff", "board",
];

fn of_routes(
    shares: &Shares,
    areas: u64,
    seed: u64,
    count: usize,
    repeats: Repeats,
) -> Vec<Request> {
    let mut random = Random::new(seed);
    let things = match repeats {
        Repeats::Often => 60,
        Repeats::Never => 10_000_000,
    };
    (0..count)
        .map(|number| {
            let mut left = random.below(100);
            let mut route = shares[0].0;
            for (name, share) in shares {
                if left < *share {
                    route = name;
                    break;
                }
                left -= share;
            }
            let mut target = route.replace("{n}", &(1 + random.below(things)).to_string());
            if repeats == Repeats::Never && !route.contains("{n}") {
                target = format!("{target}?v={number}");
            }
            if areas > 1 {
                let area = random.below(areas) as usize;
                target = format!("/{}-{}{target}", AREAS[area / 10], AREAS[area % 10]);
            }
            let path = target.split('?').next().unwrap_or_default().to_owned();
            Request {
                number,
                method: "GET",
                path,
                target,
                user: random.chance(75.0).then(|| 1 + random.below(30)),
                cookie: None,
                body: None,
                encoding: ["identity", "gzip", "br", "zstd"][random.below(4) as usize],
            }
        })
        .collect()
}

fn shop(seed: u64, count: usize, repeats: Repeats) -> Vec<Request> {
    let mut random = Random::new(seed);
    let things = match repeats {
        Repeats::Often => 60,
        Repeats::Never => 10_000_000,
    };
    (0..count)
        .map(|number| {
            let id = random.below(things) + 1;
            let mut user = random.chance(70.0).then(|| 1 + random.below(25));
            let mut method = "GET";
            let mut body = None;
            let unique = match repeats {
                Repeats::Often => String::new(),
                Repeats::Never => format!("v={number}"),
            };
            let plain = |path: &str| {
                if unique.is_empty() {
                    path.to_owned()
                } else {
                    format!("{path}?{unique}")
                }
            };
            let target = match random.below(100) {
                0..30 => format!("/orders/{id}"),
                30..48 => format!("/products/{id}"),
                48..55 => format!(
                    "/orders?page={}{}{unique}",
                    random.below(6),
                    if unique.is_empty() { "" } else { "&" }
                ),
                55..65 => {
                    let words = [
                        "amber",
                        "birch",
                        "caf%C3%A9",
                        "delta+x",
                        "ember",
                        "m%C3%BCller",
                    ];
                    let page = random.below(4);
                    let more = if unique.is_empty() {
                        String::new()
                    } else {
                        format!("&{unique}")
                    };
                    format!(
                        "/search?q={}&page={page}{more}",
                        words[random.below(6) as usize]
                    )
                }
                65..72 => plain("/"),
                72..78 => plain("/account"),
                78..83 => plain("/api/me"),
                83..87 => format!("/old/{id}"),
                87..90 => plain("/stats"),
                90..92 => plain("/export.csv"),
                92..94 => plain("/feed.xml"),
                94..95 => plain("/logo.png"),
                95..98 => {
                    method = "POST";
                    body = Some(format!(
                        "{{\"sku\":\"SKU-{}\",\"quantity\":{}}}",
                        random.below(999),
                        1 + random.below(5)
                    ));
                    "/orders".to_owned()
                }
                98 => {
                    method = "POST";
                    body = Some("user=ada&password=secret1".to_owned());
                    user = None;
                    "/login".to_owned()
                }
                _ => format!("/missing/{id}"),
            };
            let path = target.split('?').next().unwrap_or_default().to_owned();
            Request {
                number,
                method,
                path,
                target,
                user,
                cookie: None,
                body,
                encoding: ["identity", "gzip", "br", "zstd", "gzip"][random.below(5) as usize],
            }
        })
        .collect()
}
