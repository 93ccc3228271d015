//! The suite catches faults: each one by the tests that name the rule which it breaks.

use kv_runtime::conformance::{self, ManualHarness, Report};

use super::engine::{Fault, FaultyStore};

async fn report(fault: Fault) -> Report {
    conformance::index_store(&ManualHarness::new(move |clock| Ok(FaultyStore::new(fault, clock)))).await
}

async fn assert_caught(fault: Fault, by: &[&str]) {
    let report = report(fault).await;
    let failed: Vec<&str> = report.failures().map(|(name, _)| name).collect();
    for test in by {
        assert!(failed.contains(test), "{fault:?} is not caught by {test}, but by {failed:?}");
    }
    assert!(report.require(0).is_err());
}

#[tokio::test]
async fn without_a_fault_it_passes() {
    let report = report(Fault::None).await;
    assert_eq!(report.failures().count(), 0, "{report}");
}

macro_rules! caught {
    ($($name:ident: $fault:ident by $($test:ident),+;)*) => {$(
        #[tokio::test]
        async fn $name() {
            assert_caught(Fault::$fault, &[$(stringify!($test)),+]).await;
        }
    )*};
}

caught! {
    replace_unseen: ReplaceLooksAtNothing by replace_is_a_conflict_after_a_write, replace_writes_what_is_unchanged;
    expired_in_get: ExpiredInGet by expired_is_invisible_to_get;
    expired_in_head: ExpiredInHead by expired_is_invisible_to_head;
    expired_in_get_many: ExpiredInGetMany by expired_is_invisible_to_get_many;
    expired_in_lists: ExpiredInLists by expired_is_in_no_list;
    expired_in_conditions: ExpiredInConditions by expired_counts_as_absent;
    past_expiry_is_none: PastExpiryIsNone by a_past_expiry_deletes;
    put_keeps_expiry: PutKeepsExpiry by put_replaces_the_expiry;
    update_replaces_expiry: UpdateReplacesExpiry by an_update_keeps_the_expiry;
    touch_does_nothing: TouchDoesNothing by a_touch_sets_the_expiry, a_touch_into_the_past_deletes;
    touch_of_nothing_writes: TouchOfNothingWrites by a_touch_of_nothing_does_nothing, a_touch_revives_nothing;
    foreign_members_lost: ForeignMembersLost by foreign_members_come_back;
    migrated_at_lost: MigratedAtLost by all_metadata_comes_back;
    empty_value_is_absent: EmptyValueIsAbsent by any_bytes_come_back;
    keys_ignore_case: KeysIgnoreCase by similar_keys_are_apart;
    delete_does_nothing: DeleteDoesNothing by delete_removes;
    deletes_beside_puts_lost: DeletesBesidePutsLost by puts_and_deletes_keep_their_order;
    get_many_answers_once: GetManyAnswersOnce by get_many_answers_twice;
    get_many_of_many_moments: GetManyOfManyMoments by batched_reads_are_of_one_moment;
    put_many_backwards: PutManyBackwards by the_later_of_two_remains;
    put_in_two_steps: PutInTwoSteps by a_dropped_put_leaves_the_record_whole;
    batch_in_many_steps: BatchInManySteps by a_dropped_batch_leaves_records_whole;
    limit_ignored: LimitIgnored by a_page_keeps_to_its_limit;
    one_page_only: OnePageOnly by every_key_is_shown_once, a_page_keeps_to_its_limit;
    long_lists_end: LongListsEnd by many_keys_are_all_shown;
    prefix_too_wide: PrefixTooWide by a_prefix_shows_no_other;
    suffix_ignored: SuffixIgnored by a_suffix_shows_no_other;
    out_of_order: OutOfOrder by entries_are_in_order;
    any_cursor_taken: AnyCursorTaken by a_cursor_of_another_prefix_is_refused, a_cursor_of_no_list_is_refused;
    cursor_counts: CursorCounts by a_list_is_stable_under_writes, a_cursor_outlives_its_record;
    namespace_forgotten: NamespaceForgotten by other_errors_tell_the_namespace_too;
    panics_at_a_limit: PanicsAtALimit by any_limit_is_taken;
    panics_poison: PanicsPoison by a_panic_of_the_caller_harms_nothing;
    conditions_ignored: ConditionsIgnored by absent_holds_of_nothing, a_revision_holds_of_one_state, no_increment_is_lost;
    conditions_beforehand: ConditionsBeforehand by one_of_many_inserts_wins, no_increment_is_lost;
    conflict_writes_first: ConflictWritesFirst by a_conflict_writes_nothing;
    conflict_at_zero: ConflictAtZero by a_conflict_tells_its_place;
    conflict_at_the_last: ConflictAtTheLast by a_conflict_tells_the_least_place;
    conditions_alone_hold: ConditionsAloneHold by conditions_alone_are_checked, an_empty_commit_is_done;
    revision_of_value: RevisionOfValue by every_write_gives_a_new_revision, a_created_record_is_not_the_deleted_one;
    lease_ignored: LeaseIgnored by a_write_voids_a_lease, a_batch_voids_a_lease, a_commit_voids_a_lease, what_expired_has_voided_a_lease, a_lost_lease_is_reported_by_its_position;
    leases_backwards: LeasesBackwards by a_batch_of_leases_is_in_order;
    entries_backwards: EntriesBackwards by entries_come_in_order;
    entries_of_any_range: EntriesOfAnyRange by a_range_has_its_entries_and_no_others;
    entry_limit_ignored: EntryLimitIgnored by an_entry_page_keeps_to_its_limit;
    entry_pages_overlap: EntryPagesOverlap by entry_pages_lead_on;
    entries_alone: EntriesAlone by an_entry_page_has_the_other_record;
    shards_forgotten: ShardsForgotten by entries_are_found_by_their_shards;
    claim_alone: ClaimAlone by a_claim_comes_with_its_records;
    claim_of_others: ClaimOfOthers by a_claim_comes_with_its_records;
    entries_remain: EntriesRemain by entries_go_with_their_commit, an_entry_is_added_once;
    commit_in_many_steps: CommitInManySteps by a_dropped_commit_is_all_or_nothing, commits_do_not_mix;
}
