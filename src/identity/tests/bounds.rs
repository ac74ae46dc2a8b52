//! Whatever is offered, memory holds.

use super::super::{
    Identity,
    ids::{Scope, Strength},
    partners::Partner,
};

fn offer(identity: &mut Identity, pairs: u64) {
    for number in 0..pairs {
        let text = number.to_string();
        match number % 4 {
            0 => identity.tokens.learn(number, "some token of the shadow's"),
            1 => identity
                .cookies
                .set(number, Partner::Value("of the shadow".into())),
            2 => {
                let scope = Scope::Path(format!("/things/{}/", number % 40_000));
                identity.ids.learn(&scope, &text, &text, Strength::Minted);
            }
            _ => {
                let session = identity.sessions.number();
                identity.sessions.name(session, number);
            }
        }
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let mut identity = Identity::new(1 << 20);
    offer(&mut identity, 100_000);
    assert!(identity.known() + identity.sessions() < 12_000);
    assert!(identity.evicted() > 85_000);
}

#[test]
#[ignore = "ten million pairs take a while"]
fn ten_million_pairs_take_no_more_memory_than_is_given() {
    const MOST: usize = 16 << 20;
    let mut identity = Identity::new(MOST);
    offer(&mut identity, 1_000_000);
    let before = resident();
    offer(&mut identity, 10_000_000);
    let after = resident();
    eprintln!("{} KiB, then {} KiB", before >> 10, after >> 10);
    assert!(after < before + (MOST as u64) / 4);
    assert!(after < 8 * MOST as u64);
}
