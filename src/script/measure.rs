//! How many requests go through a script in a time, for the bench.

use std::{
    hint::black_box,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Inbox, Limits, ProcessPool, Script};
use crate::{config, tee::Budget};

/// So many requests are with the script at a time, as with a tee that has much to do.
const AT_A_TIME: usize = 1024;
const LIMITS: Limits = Limits {
    header_bytes: 65_536,
    header_count: 100,
    target_bytes: 16_384,
};

/// Gives so many requests to one process of a command, and waits for all of them. Returns how long that took, and how
/// many came back.
///
/// # Errors
/// Where the system refuses what it needs.
pub fn scripted(
    command: Vec<String>,
    request: &[u8],
    requests: usize,
) -> io::Result<(Duration, usize)> {
    let (process_pool, inbox) = (ProcessPool::default(), Arc::<Inbox>::default());
    process_pool.begin();
    let settings = config::Script::replaying(command);
    let budget = Budget::new(1 << 30);
    let script = Script::start("bench".into(), settings, LIMITS, &budget, &process_pool)?;
    let give = || {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(request);
        script.give(&inbox, None, Instant::now(), write).is_ok()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(async {
        // The process runs when the first has come back.
        give();
        inbox.called().await;
        inbox.take();
        let start = Instant::now();
        let (mut given, mut ended, mut echoed) = (0, 0, 0);
        while ended < requests {
            while given < requests && given - ended < AT_A_TIME && give() {
                given += 1;
            }
            inbox.called().await;
            for reply in inbox.take() {
                ended += 1;
                echoed += usize::from(black_box(reply.result).is_ok());
            }
        }
        (start.elapsed(), echoed)
    }))
}
