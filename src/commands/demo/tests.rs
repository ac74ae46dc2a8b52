//! The shop by itself: what one instance gives out means nothing to the other.

use super::shop::{Order, Shop, Version};

fn order(customer: &str) -> Order {
    Order {
        customer: customer.to_owned(),
        product: 1,
        amount: 1,
        is_cancelled: false,
    }
}

#[test]
fn an_instance_does_not_know_the_sessions_of_the_other() {
    let [mut one, mut two] = [Version::One, Version::Two].map(Shop::new);
    let cookies = [one.begin(Some("ada")), two.begin(Some("ada"))];
    let tokens = [(&one, 0), (&two, 1)].map(|(shop, own)| {
        assert!(shop.session(Some(&cookies[1 - own])).is_none());
        shop.session(Some(&cookies[own])).unwrap().token.clone()
    });
    assert_ne!(tokens[0], tokens[1]);
    one.end(Some(&cookies[0]));
    assert!(one.session(Some(&cookies[0])).is_none());
}

#[test]
fn an_order_of_one_instance_has_the_number_of_somebody_elses_on_the_other() {
    let [mut one, mut two] = [Version::One, Version::Two].map(Shop::new);
    let [number, other] = [&mut one, &mut two].map(|shop| shop.order(order("ada")).unwrap());
    assert_ne!(number, other);
    assert!(one.order_of("ada", number).is_some());
    assert!(two.order_of("ada", number).is_none());
    assert!(two.order_of("zoe", number).is_some());
}

#[test]
fn whoever_plays_for_long_takes_no_more_memory() {
    let mut shop = Shop::new(Version::One);
    let first = shop.begin(None);
    for _ in 0..1000 {
        shop.begin(None);
    }
    assert!(shop.session(Some(&first)).is_none());
    assert!((0..20_000).any(|_| shop.order(order("ada")).is_none()));
}
