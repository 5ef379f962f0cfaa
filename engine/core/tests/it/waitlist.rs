//! The queue (R19–R23).

use crate::script::run;

#[test]
fn r19_who_asked_for_a_seat_never_lands_in_the_queue_unless_he_said_so() {
    run("
        capacity 1
        09:00 claim li queue       -> held
        09:01 claim wang           -> pool_full
        09:01 show wang            -> nothing
        09:02 claim wang queue     -> waiting 1
    ");
}

#[test]
fn r19_newcomers_queue_behind_a_queue_and_see_none() {
    run("
        capacity 2
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao queue     -> waiting 1
        09:00 claim sun queue      -> waiting 2
        09:01 close                -> closed
        09:01 cancel li            -> cancelled
        09:01 show pool            -> 1 held, 0 paid of 2, 2 waiting, none
        09:02 open                 -> opened; zhao promoted
        09:02 claim qian           -> pool_full
        09:02 show pool            -> 2 held, 0 paid of 2, 1 waiting, none
    ");
}

#[test]
fn r19_a_closed_written_pool_takes_neither_claim_nor_queue_entry() {
    run("
        capacity 1
        closed
        09:00 claim li             -> pool_closed
        09:00 claim li queue       -> pool_closed
        09:01 open                 -> opened
        09:01 claim li             -> held
    ");
}

#[test]
fn r19_an_oral_site_that_has_not_opened_takes_a_queue_and_promotes_it_when_it_opens() {
    run("
        capacity 3
        oral capacity 1
        oral closed
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:01 oral claim li        -> pool_closed
        09:01 oral claim li queue  -> waiting 1
        09:02 oral claim wang queue -> waiting 2
        09:02 oral catch up        -> nothing
        09:03 oral open            -> opened; li promoted
        09:03 oral show li         -> held until +1 09:03
        09:03 oral show wang       -> waiting 1
    ");
}

#[test]
fn r19_the_queue_takes_nobody_after_its_end_though_the_window_is_open() {
    run("
        capacity 1
        promotes-until +1 18:00
        09:00 claim li             -> held
        +1 18:00 claim wang queue  -> li expired; held
        +1 18:00 claim zhao        -> pool_full
        +1 18:00 claim zhao queue  -> waitlist_closed
    ");
}

#[test]
fn r20_places_move_up_when_somebody_before_leaves_and_nobody_jumps() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:02 claim zhao queue     -> waiting 2
        09:03 claim sun queue      -> waiting 3
        09:04 cancel zhao changed_plans -> withdrawn
        09:04 show sun             -> waiting 2
        09:05 claim zhao queue     -> waiting 3
        09:06 cancel li            -> cancelled; wang promoted
        09:07 cancel wang          -> cancelled; sun promoted
        09:08 cancel sun           -> cancelled; zhao promoted
    ");
}

#[test]
fn r21_a_freed_seat_goes_to_the_head_not_to_a_newcomer() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:02 cancel li            -> cancelled; wang promoted
        09:02 claim zhao           -> pool_full
    ");
}

#[test]
fn r21_expiry_and_promotion_happen_in_the_same_step_before_anything_else_is_decided() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:01 claim zhao queue     -> waiting 2
        +1 09:00 claim sun queue   -> li expired; wang promoted; waiting 2
        +1 09:00 show wang         -> held until +2 09:00
    ");
}

#[test]
fn r21_who_is_promoted_late_has_his_24_hours_from_then() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        +2 15:00 catch up          -> li expired; wang promoted
        +2 15:00 show wang         -> held until +3 15:00
    ");
}

#[test]
fn r21_a_seat_of_a_deleted_enrolment_goes_to_the_head() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:01 claim zhao queue     -> waiting 2
        09:02 remove wang          -> removed
        09:02 remove wang          -> nothing
        09:03 remove li            -> removed; zhao promoted
    ");
}

#[test]
fn r21_a_withdrawal_frees_no_seat() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:01 claim zhao queue     -> waiting 2
        09:02 cancel wang other    -> withdrawn
        09:02 show pool            -> 1 held, 0 paid of 1, 1 waiting, none
    ");
}

#[test]
fn r22_leaving_the_queue_needs_a_reason_and_leaving_a_seat_does_not() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:02 cancel wang          -> reason_required
        09:02 show wang            -> waiting 1
        09:03 cancel wang wrong_choice -> withdrawn
        09:04 cancel li time_conflict -> cancelled
    ");
}

#[test]
fn r23_the_queue_outlives_the_window_until_promotions_end_and_then_lapses() {
    run("
        capacity 1
        closes +1 18:00
        promotes-until +2 18:00
        +1 10:00 claim li          -> held
        +1 10:01 claim wang queue  -> waiting 1
        +1 10:02 claim zhao queue  -> waiting 2
        +1 18:00 claim sun queue   -> outside_window
        +2 10:00 catch up          -> li expired; wang promoted
        +2 10:00 show wang         -> held until +3 10:00
        +2 17:59 catch up          -> nothing
        +2 18:00 catch up          -> zhao lapsed
        +2 18:01 cancel zhao other -> already_gone
        +3 10:00 catch up          -> wang expired
    ");
}

#[test]
fn r23_at_the_very_end_a_freed_seat_promotes_nobody() {
    run("
        capacity 1
        closes +1 09:00
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        +1 09:00 cancel li         -> expired; wang lapsed; already_gone
        +1 09:00 show pool         -> 0 held, 0 paid of 1, 0 waiting, some
    ");
}

#[test]
fn r23_suspended_expiry_keeps_the_queue_and_a_later_end_promotes_it() {
    run("
        capacity 1
        closes +1 18:00
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        +1 19:00 suspended cancel li -> cancelled
        +1 19:00 suspended show wang -> waiting 1
        closes +3 18:00
        +1 20:00 claim zhao        -> wang promoted; pool_full
        +1 20:00 show wang         -> held until +2 20:00
    ");
}

#[test]
fn r19_a_seat_that_lies_idle_before_a_queue_is_no_newcomer_s() {
    run("
        capacity 1
        promotes-until +1 08:00
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        +1 08:00 suspended cancel li -> cancelled
        +1 08:00 suspended show pool -> 0 held, 0 paid of 1, 1 waiting, none
        +1 08:00 suspended claim zhao -> pool_full
        +1 08:00 suspended claim zhao queue -> waitlist_closed
        +1 08:01 claim zhao        -> wang lapsed; held
    ");
}
