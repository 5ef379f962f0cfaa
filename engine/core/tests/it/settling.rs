//! Holds with an order: they stay until it has ended, and then what waited for that is done (R13, R17, R25, R27–R29).

use crate::script::run;

#[test]
fn r27_a_hold_with_an_order_outlives_its_deadline_and_expires_when_the_order_has_ended() {
    run("
        capacity 1
        09:00 claim li         -> held
        09:01 claim wang queue -> waiting 1
        09:02 attach li o1     -> attached
        09:02 attach li o1     -> nothing
        09:02 show pool        -> 1 held, 0 paid of 1, 1 waiting, none
        +1 09:00 catch up      -> nothing
        +1 09:05 detach li o2  -> nothing
        +1 09:05 detach li o1  -> detached; expired; wang promoted
        +1 09:05 detach li o1  -> nothing
        +1 09:05 show wang     -> held until +2 09:05
    ");
}

#[test]
fn r27_what_is_paid_late_is_paid_and_one_let_go_in_time_keeps_its_deadline() {
    run("
        capacity 1
        09:00 claim li        -> held
        09:01 attach li o1    -> attached
        +1 10:00 pay li o1    -> paid
        +1 10:00 pay li o1    -> nothing
        +1 10:00 detach li o1 -> nothing
    ");
    run("
        capacity 1
        09:00 claim li       -> held
        09:01 attach li o1   -> attached
        09:10 detach li o1   -> detached
        09:10 show li        -> held until +1 09:00
        +1 09:00 catch up    -> li expired
    ");
}

#[test]
fn r27_while_expiry_is_suspended_a_hold_let_go_waits_for_it_too() {
    run("
        capacity 1
        09:00 claim li                    -> held
        09:01 attach li o1                -> attached
        +1 09:05 suspended detach li o1   -> detached
        +1 09:06 suspended catch up       -> nothing
        +1 09:07 catch up                 -> li expired
    ");
}

#[test]
fn r17_a_cancellation_waits_for_the_order_and_the_seat_goes_to_the_head_in_the_same_step() {
    run("
        capacity 1
        09:00 claim li         -> held
        09:01 claim wang queue -> waiting 1
        09:02 attach li o1     -> attached
        09:03 cancel li        -> cancellation asked
        09:04 cancel li        -> nothing
        09:04 remove li        -> nothing
        09:09 detach li o1     -> detached; cancelled; wang promoted
        09:10 cancel li        -> already_gone
    ");
}

#[test]
fn r17_a_cancelled_hold_that_turns_out_paid_is_paid() {
    run("
        capacity 1
        09:00 claim li     -> held
        09:02 attach li o1 -> attached
        09:03 cancel li    -> cancellation asked
        09:05 pay li o1    -> paid
        09:06 cancel li    -> already_paid
    ");
}

#[test]
fn r25_no_order_takes_a_hold_in_its_last_6_minutes_nor_one_that_another_has() {
    run("
        capacity 2
        09:00 claim li        -> held
        09:00 claim wang      -> held
        +1 08:54 attach li o1 -> attached
        +1 08:54 attach li o2 -> order_unresolved
        +1 08:55 attach wang o2 -> hold_ending
        +1 08:55 attach li o1 -> nothing
    ");
}

#[test]
fn r28_what_is_paid_by_another_order_or_gone_takes_no_money() {
    run("
        capacity 2
        09:00 claim li      -> held
        09:00 claim wang    -> held
        09:01 attach li o1  -> attached
        09:02 pay li o2     -> paid
        09:03 pay li o1     -> already_paid
        09:04 cancel wang   -> cancelled
        09:05 pay wang o3   -> already_gone
        09:06 attach wang o3 -> already_gone
        09:06 attach li o1  -> already_paid
    ");
}

#[test]
fn r29_r21_a_refunded_seat_goes_to_the_head_of_the_queue() {
    run("
        capacity 1
        09:00 claim li         -> held
        09:01 claim wang queue -> waiting 1
        09:02 refund li o1     -> nothing_due
        09:03 attach li o1     -> attached
        09:04 pay li o1        -> paid
        09:05 refund li o2     -> nothing_due
        09:06 refund li o1     -> refunded; wang promoted
        09:07 refund li o1     -> nothing
        09:07 show li          -> refunded
        09:07 show pool        -> 1 held, 0 paid of 1, 0 waiting, none
        09:08 pay li o1        -> already_gone
    ");
}

#[test]
fn r13_an_oral_hold_with_an_order_goes_with_its_written_one_when_the_order_has_ended() {
    run("
        capacity 1
        oral capacity 1
        09:00 claim li            -> held
        09:01 oral claim li       -> held
        09:02 oral attach li o1   -> attached
        09:03 cancel li           -> cancelled; oral removal asked
        09:08 oral detach li o1   -> detached; removed
    ");
}

#[test]
fn r33_a_hold_with_an_order_can_be_extended_and_settles_no_more() {
    run("
        capacity 1
        09:00 claim li                    -> held
        09:01 attach li o1                -> attached
        +1 10:00 extend li until +1 15:00 -> held until +1 15:00
        +1 10:30 detach li o1             -> detached
        +1 15:00 catch up                 -> li expired
    ");
}
