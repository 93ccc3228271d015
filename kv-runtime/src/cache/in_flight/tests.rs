use super::*;

/// In a Worker, where no request may wait for another one's load.
#[test]
fn loads_beside_each_other_may_all_be_held_until_a_write_comes() {
    let now = Moment(0);
    let mut at = AtId::<()>::default();
    let drives: Vec<_> = (0..4).map(|_| Drive::new()).collect();
    let lead =
        |at: &mut AtId<()>, place: usize| match at
            .join(Kind::Read, false, Some(Moment(1)), None, || Arc::clone(&drives[place]))
        {
            Part::Lead(flight, _) => flight,
            _ => panic!("it waits for another load"),
        };
    let [first, second] = [lead(&mut at, 0), lead(&mut at, 1)];
    assert!(at.settle(Kind::Read, &first, false, now), "a later load voided an earlier one");
    at.end(Kind::Read, &first);
    let third = lead(&mut at, 2);
    assert!(at.settle(Kind::Read, &second, false, now));
    let (begun, _) = at.begin_write(writer(1));
    let fourth = lead(&mut at, 3);
    assert!(!at.settle(Kind::Read, &third, false, now), "a write voids what began before");
    assert!(!at.settle(Kind::Read, &fourth, false, now), "and what began while it went on");
    at.end_write(begun);
    assert!(!at.settle(Kind::Read, &fourth, false, now));
}

fn writer(number: u64) -> Writer {
    Writer { number, until: Moment(u64::MAX) }
}

fn shard() -> Shard<u64, ()> {
    let ids = HashMap::with_hasher(DefaultHashBuilder::default());
    Shard { ids, unsettled: Unsettled::default(), writes: 0, sweep_at: Moment(u64::MAX) }
}

#[test]
fn an_id_is_unsettled_until_its_last_mark_has_settled_and_is_forgotten_then() {
    let mut shard = shard();
    shard.unsettle(&1, Mark::new(1));
    shard.unsettle(&2, Mark::new(2));
    shard.unsettle(&1, Mark::new(3));
    let upto = |number| move |mark: Mark| mark.number() <= number;
    assert!(!shard.is_settled(&1, upto(0)) && !shard.is_settled(&2, upto(1)));
    assert!(shard.is_settled(&3, upto(0)));
    assert!(!shard.is_settled(&1, upto(2)) && shard.is_settled(&2, upto(2)));
    // A call for any id clears up.
    assert!(shard.is_settled(&7, upto(3)));
    assert!(shard.ids.is_empty() && shard.unsettled.is_empty());
}

#[test]
fn a_write_is_alone_only_if_no_other_is_under_way_from_its_begin_to_its_end() {
    let mut at = AtId::<()>::default();
    let (first, _) = at.begin_write(writer(1));
    let (second, _) = at.begin_write(writer(2));
    assert!(!at.end_write(second) && !at.end_write(first));
    let (third, _) = at.begin_write(writer(3));
    assert!(at.end_write(third) && at.is_idle());
}

#[test]
fn what_is_read_while_the_store_is_filled_is_not_held() {
    let (now, until) = (Moment(1), Moment(2));
    let begin = |at: &mut AtId<()>, kind| match at.join(kind, false, None, None, Drive::new) {
        Part::Lead(flight, _) => flight,
        _ => panic!("nobody else loads"),
    };
    let mut at = AtId::default();
    let load = begin(&mut at, Kind::Load);
    let is_over = at.begin_fill(Kind::Load, &load, true, until).expect("nothing goes on");
    let meanwhile = begin(&mut at, Kind::Read);
    assert!(!at.settle(Kind::Read, &meanwhile, false, now));
    // A fill that nobody drives to its end counts for so long only.
    assert!(at.settle(Kind::Read, &meanwhile, false, until));
    // One that read before the fill ended, and ends after it.
    at.end_fill(&is_over);
    assert!(!at.settle(Kind::Read, &meanwhile, false, now));
    let after = begin(&mut at, Kind::Read);
    assert!(at.settle(Kind::Read, &after, false, now));
}

#[test]
fn too_many_to_be_noted_are_unsettled_together() {
    let mut shard = shard();
    let ids = MOST_UNSETTLED as u64 * 3;
    (0..ids).for_each(|id| shard.unsettle(&id, Mark::new(id)));
    assert!(shard.ids.len() <= MOST_UNSETTLED && shard.unsettled.ids.len() <= MOST_UNSETTLED);
    let upto = |number| move |mark: Mark| mark.number() <= number;
    assert!((0..ids).all(|id| !shard.is_settled(&id, upto(0))));
    assert!((0..ids).all(|id| shard.is_settled(&id, upto(ids))));
    assert!(shard.ids.is_empty() && shard.unsettled.is_empty());
}
