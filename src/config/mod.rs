//! What the user wrote (figment, serde) becomes what the program uses: types that can't be wrong.
//!
//! Every mistake is found in one go, with the place that said it, its key, and what would be right. Nothing
//! here opens a socket or reads a certificate.

mod address;
mod endpoint;
mod load;
mod reader;
mod sections;
mod shadow;
mod units;

use std::num::NonZeroUsize;

use serde::Serialize;

pub(crate) use address::{Address, BadAddress};
pub(crate) use endpoint::{ClientTls, Listen, Mode, Primary, ServerTls};
pub(crate) use load::{Flags, Sources};
pub(crate) use reader::Mistake;
pub(crate) use sections::{
    Admin, Forwarded, Limits, Log, LogFormat, Mark, RequestId, Stop, Timeouts,
};
pub(crate) use shadow::{HostHeader, Shadow};
pub(crate) use units::Secret;

use reader::Table;

/// The whole configuration, valid and with every default filled in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Config {
    /// Worker threads.
    pub(crate) workers: usize,
    pub(crate) listen: Vec<Listen>,
    pub(crate) primary: Primary,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) shadow: Vec<Shadow>,
    pub(crate) mark: Mark,
    pub(crate) request_id: RequestId,
    pub(crate) forwarded: Forwarded,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<Admin>,
    pub(crate) log: Log,
    pub(crate) stop: Stop,
}

impl Config {
    /// Reads the top level; `None` where something is missing that has no default.
    fn read(mut table: Table<'_>) -> Option<Self> {
        let workers = table.checked(
            "workers",
            one_a_core(),
            |workers| (1..=1024).contains(workers),
            "has to be from 1 to 1024; one for each core is best",
        );
        let listen_said = table.has("listen");
        let listen: Vec<_> = table
            .tables("listen", Some("address"))
            .into_iter()
            .filter_map(Listen::read)
            .collect();
        if !listen_said {
            table.mistake(
                "listen",
                "is missing; say where clients connect, for example listen = [\"unix:/run/shadowtee/http.sock\"] \
                 or --listen 127.0.0.1:8080",
            );
        }
        let primary = Primary::read(table.table("primary"));
        let timeouts = Timeouts::read(table.table("timeouts"));
        let limits = Limits::read(table.table("limits"));
        let shadow = shadow::read_all(&mut table);
        let mark = Mark::read(table.table("mark"));
        let request_id = RequestId::read(table.table("request_id"));
        let forwarded = Forwarded::read(table.table("forwarded"));
        let admin = if table.has("admin") {
            Admin::read(table.table("admin"))
        } else {
            None
        };
        let log = Log::read(table.table("log"));
        let stop = Stop::read(table.table("stop"));
        two_listeners_at_one_place(&listen, &table);
        table.finish();
        Some(Self {
            workers,
            listen,
            primary: primary?,
            timeouts,
            limits,
            shadow,
            mark,
            request_id,
            forwarded,
            admin,
            log,
            stop,
        })
    }
}

fn two_listeners_at_one_place(listen: &[Listen], table: &Table<'_>) {
    for (index, one) in listen.iter().enumerate() {
        if listen[..index]
            .iter()
            .any(|other| other.address == one.address)
        {
            let what = format!("{} is listened on twice; remove one", one.address);
            table.mistake(&format!("listen[{index}].address"), &what);
        }
    }
}

fn one_a_core() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
