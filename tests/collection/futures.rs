//! How large the futures are: a caller moves each before it is polled, and holds it in its own.

use super::entities::User;

#[test]
fn a_read_holds_nothing_that_it_seldom_does() {
    let users = super::memory().0.collection::<User>();
    // To write back what was migrated takes some kilobytes.
    let get = size_of_val(&users.get(1));
    assert!(get <= 1_536, "the future of `get` has {get} bytes");
    let get_many = size_of_val(&users.get_many([1]));
    assert!(get_many <= 1_536, "the future of `get_many` has {get_many} bytes");
}
