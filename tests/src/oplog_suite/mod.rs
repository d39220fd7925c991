//! The one suite that every op log passes: memory, disk, Redis.
//!
//! A case is a function that takes a [`Bench`] and panics where the log breaks its
//! contract. [`oplog_suite!`](macro@crate::oplog_suite) makes a test of each.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a case speaks to who reads a failed test")]

mod appends;
mod bench;
mod clients;
mod feeds;
mod lives;
mod reads;
mod reopening;
mod script;
mod snapshots;

pub use appends::*;
pub use bench::{Bench, START_MS};
pub use clients::*;
pub use feeds::*;
pub use lives::*;
pub use reads::*;
pub use reopening::*;
pub use script::{Script, client, document, member, user, version};
pub use snapshots::*;

/// Makes a test of every case, on what the expression gives anew for each: a [`Bench`].
#[macro_export]
macro_rules! oplog_suite {
    ($bench:expr) => {
        $crate::oplog_suite!(@each $bench;
            a_document_never_written_is_empty_and_has_no_epoch
            the_first_append_creates_the_epoch
            two_first_appends_at_once_make_one_epoch
            a_first_append_that_knows_of_no_life_meets_the_log_from_its_beginning
            five_simultaneous_appends_and_one_wins
            a_late_append_is_given_the_entries_it_missed
            a_conflict_brings_a_page_and_the_rest_is_read
            a_refused_batch_leaves_nothing
            an_append_of_nothing_tells_whose_history_it_is
            ten_thousand_members_fit_one_batch
            an_empty_operation_is_an_entry
            numbers_near_two_to_the_53_come_back_as_they_were
            documents_do_not_touch_each_other
            a_duplicate_is_answered_with_the_original_version
            an_open_raises_the_generation_and_fences_older_copies
            an_open_tells_the_last_client_seq
            an_open_without_a_client_fences_nobody
            a_client_id_belongs_to_the_user_who_came_first
            a_client_seq_may_jump
            a_client_unknown_to_the_log_may_append
            of_two_restorations_the_first_wins
            a_client_is_forgotten_a_week_after_its_last_entry_is_trimmed
            a_client_with_entries_is_never_forgotten
            reads_are_paged_without_gap_or_overlap
            an_entry_larger_than_a_page_is_a_page
            below_the_floor_is_another_answer_than_nothing_new
            a_snapshot_comes_back_as_it_was_stored
            an_older_snapshot_is_ignored
            a_snapshot_of_another_life_or_ahead_of_the_log_is_ignored
            a_snapshot_of_another_history_takes_the_place_of_none
            nothing_is_trimmed_without_a_snapshot_nor_above_it
            a_client_record_survives_trimming
            a_conflict_below_the_floor_brings_no_entries
            a_feed_brings_every_batch_in_order_whoever_wrote_it
            a_feed_of_one_document_is_silent_about_others
            a_dropped_feed_does_no_harm
            what_was_refused_is_not_in_the_feed
            an_epoch_advances_by_compare_and_set
            no_life_begins_behind_the_entry_of_a_client_that_is_named
            an_append_to_another_life_is_told_so
            another_history_at_the_same_version_is_another_life
            another_history_at_an_earlier_version_is_another_life
            a_version_ahead_of_the_log_is_another_life
            a_snapshot_lives_on_in_the_new_life
            the_log_is_the_same_after_it_was_opened_again
            a_duplicate_is_known_after_the_log_was_opened_again
            a_generation_stands_after_the_log_was_opened_again
        );
    };
    (@each $bench:expr; $($case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::oplog_suite::$case($bench).await;
        }
    )*};
}
