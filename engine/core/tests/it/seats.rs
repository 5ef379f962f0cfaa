//! Who gets a seat, for how long, and how it ends (R13–R18).

use crate::script::run;

#[test]
fn r14_seats_go_in_order_of_arrival_and_never_beyond_the_capacity() {
    run("
        capacity 2
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao           -> pool_full
        09:01 pay li               -> paid
        09:01 claim zhao           -> pool_full
        09:01 show pool            -> 1 held, 1 paid of 2, 0 waiting, none
        09:02 cancel wang          -> cancelled
        09:02 show pool            -> 0 held, 1 paid of 2, 0 waiting, some
        09:03 claim zhao           -> held
    ");
}

#[test]
fn r14_a_pool_without_seats_grants_none() {
    run("
        capacity 0
        09:00 claim li             -> pool_full
        09:00 claim li queue       -> waiting 1
        09:00 catch up             -> nothing
    ");
}

#[test]
fn r15_repeating_a_claim_returns_it_and_takes_nothing_more() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 claim li             -> again held
        09:01 claim li queue       -> again held
        09:01 claim wang queue     -> waiting 1
        09:01 claim wang queue     -> again waiting
        09:02 claim wang           -> already_waiting
        09:03 pay li               -> paid
        09:04 claim li             -> again paid
        09:04 show pool            -> 0 held, 1 paid of 1, 1 waiting, none
    ");
}

#[test]
fn r15_what_is_gone_can_be_claimed_anew() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 cancel li            -> cancelled
        09:02 claim li             -> held
        +1 09:02 claim li          -> expired; held
        +1 09:02 show li           -> held until +2 09:02
    ");
}

#[test]
fn r16_a_hold_ends_24_hours_after_its_grant_and_not_a_minute_before() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 show li              -> held until +1 09:00
        +1 08:59 claim wang        -> pool_full
        +1 08:59 catch up          -> nothing
        +1 09:00 catch up          -> li expired
        +1 09:00 show pool         -> 0 held, 0 paid of 1, 0 waiting, some
        +1 09:01 cancel li         -> already_gone
        +1 09:01 pay li            -> already_gone
    ");
}

#[test]
fn r16_holds_expire_in_the_order_of_their_deadlines() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:01 claim wang           -> held
        09:02 claim zhao           -> held
        09:03 extend li until +1 09:30 -> held until +1 09:30
        +2 00:00 catch up          -> wang expired; zhao expired; li expired
    ");
}

#[test]
fn r16_holds_of_the_same_minute_expire_in_the_order_of_their_numbers() {
    run("
        capacity 2
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao queue     -> waiting 1
        +1 09:00 catch up          -> li expired; zhao promoted; wang expired
    ");
}

#[test]
fn r16_a_paid_seat_never_expires() {
    run("
        capacity 1
        09:00 claim li             -> held
        10:00 pay li               -> paid
        10:01 pay li               -> nothing
        +5 00:00 catch up          -> nothing
        +5 00:00 show li           -> paid
        +5 00:00 cancel li         -> already_paid
        +5 00:00 remove li         -> nothing
    ");
}

#[test]
fn r16_suspended_expiry_takes_no_hold_and_resumed_takes_what_is_due() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 claim wang queue     -> waiting 1
        +2 09:00 suspended catch up        -> nothing
        +2 09:00 suspended claim zhao      -> pool_full
        +2 09:01 suspended show li         -> held until +1 09:00
        +2 09:02 suspended cancel li       -> cancelled; wang promoted
        +2 09:02 suspended show wang       -> held until +3 09:02
        +4 00:00 catch up          -> wang expired
    ");
}

#[test]
fn r16_payment_that_comes_before_the_expiry_was_decided_wins() {
    run("
        capacity 1
        09:00 claim li             -> held
        +1 09:30 suspended pay li  -> paid
        +1 09:31 catch up          -> nothing
    ");
}

#[test]
fn r16_an_extension_moves_a_deadline_later_and_never_earlier() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 claim wang queue     -> waiting 1
        09:01 extend li until +1 08:00 -> nothing
        09:01 extend li until +1 12:00 -> held until +1 12:00
        09:01 extend wang until +1 12:00 -> nothing
        +1 09:00 catch up          -> nothing
        +1 12:00 catch up          -> li expired; wang promoted
        +1 12:00 extend li until +2 12:00 -> nothing
    ");
}

#[test]
fn r17_a_cancelled_seat_goes_to_the_head_of_the_queue_in_the_same_step() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:01 claim wang queue     -> waiting 1
        09:02 claim zhao queue     -> waiting 2
        09:03 cancel li            -> cancelled; wang promoted
        09:03 show wang            -> held until +1 09:03
        09:03 show zhao            -> waiting 1
        09:04 cancel li            -> already_gone
    ");
}

#[test]
fn r18_outside_its_window_a_pool_takes_neither_claim_nor_queue_entry() {
    run("
        capacity 1
        opens 09:00
        closes +3 18:00
        08:59 claim li             -> outside_window
        08:59 claim li queue       -> outside_window
        09:00 claim li             -> held
        +3 17:59 claim wang        -> li expired; held
        +3 18:00 claim zhao queue  -> outside_window
        +3 18:00 cancel wang       -> cancelled
    ");
}

#[test]
fn r18_a_deadline_is_the_earlier_of_24_hours_and_the_end_of_payment() {
    run("
        capacity 2
        pays-until +1 12:00
        09:00 claim li             -> held
        09:00 show li              -> held until +1 09:00
        18:00 claim wang           -> held
        18:00 show wang            -> held until +1 12:00
    ");
}

#[test]
fn r18_staff_never_extend_past_the_end_of_payment_but_lost_time_is_given_back() {
    run("
        capacity 1
        pays-until +1 12:00
        09:00 claim li             -> held
        09:01 extend li until +2 00:00 -> held until +1 12:00
        09:02 extend li until +3 00:00 -> nothing
        09:03 give-back li until +1 12:10 -> held until +1 12:10
    ");
}

#[test]
fn r13_an_oral_claim_needs_a_held_or_paid_written_one() {
    run("
        capacity 1
        oral capacity 5
        09:00 oral claim li        -> written_required
        09:00 claim wang           -> held
        09:00 claim li queue       -> waiting 1
        09:01 oral claim li        -> written_required
        09:01 oral claim wang      -> held
        09:02 pay wang             -> paid
        09:02 oral claim wang      -> again held
    ");
}

#[test]
fn r13_when_the_written_claim_goes_its_oral_claim_goes_with_it_held_or_waiting() {
    run("
        capacity 4
        oral capacity 1
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao           -> held
        09:01 oral claim li        -> held
        09:02 oral claim wang queue -> waiting 1
        09:02 oral claim zhao queue -> waiting 2
        09:03 cancel wang          -> cancelled; oral removed
        09:03 oral show zhao       -> waiting 1
        09:04 cancel li            -> cancelled; oral removed; oral zhao promoted
    ");
}

#[test]
fn r13_expiry_of_the_written_claim_takes_the_oral_one_before_the_candidate_s_next_request() {
    run("
        capacity 1
        oral capacity 1
        09:00 claim li             -> held
        10:00 oral claim li        -> held
        +1 09:00 claim wang        -> li expired; oral li removed; held
        +1 09:00 oral claim li     -> written_required
    ");
}

#[test]
fn r13_a_paid_oral_claim_stays() {
    run("
        capacity 1
        oral capacity 1
        09:00 claim li             -> held
        09:00 oral claim li        -> held
        09:01 pay li               -> paid
        09:02 oral pay li          -> paid
        +2 00:00 catch up          -> nothing
    ");
}
