//! Staff change the number of seats (R34).

use crate::script::run;

#[test]
fn r34_a_capacity_below_what_is_taken_is_refused_with_the_numbers() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:01 pay wang             -> paid
        09:02 capacity 1           -> capacity_below_taken (1 held, 1 paid)
        09:02 show pool            -> 1 held, 1 paid of 3, 0 waiting, some
        09:03 capacity 2           -> capacity 2
        09:03 claim zhao           -> pool_full
    ");
}

#[test]
fn r34_a_drain_takes_no_seat_from_anybody_and_released_seats_vanish() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao           -> held
        09:00 claim sun queue      -> waiting 1
        09:01 capacity 1 drain     -> capacity 1 draining
        09:01 show pool            -> 3 held, 0 paid of 1, 1 waiting, none, draining
        09:02 cancel li            -> cancelled
        09:03 capacity 0           -> capacity_below_taken (2 held, 0 paid)
        09:03 cancel wang          -> cancelled
        09:03 show pool            -> 1 held, 0 paid of 1, 1 waiting, none
        09:04 cancel zhao          -> cancelled; sun promoted
    ");
}

#[test]
fn r34_while_draining_expired_seats_vanish_until_the_rest_fits() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao           -> held
        09:00 claim sun queue      -> waiting 1
        09:00 claim qian queue     -> waiting 2
        09:01 capacity 2 drain     -> capacity 2 draining
        +1 09:00 catch up          -> li expired; wang expired; sun promoted; zhao expired; qian promoted
    ");
}

#[test]
fn r34_a_drain_that_fits_is_an_ordinary_change() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:01 capacity 1 drain     -> capacity 1
        09:01 show pool            -> 1 held, 0 paid of 1, 0 waiting, none
        09:02 capacity 1 drain     -> nothing
    ");
}

#[test]
fn r34_a_draining_pool_can_be_raised_without_asking_to_drain_again() {
    run("
        capacity 3
        09:00 claim li             -> held
        09:00 claim wang           -> held
        09:00 claim zhao           -> held
        09:01 capacity 0 drain     -> capacity 0 draining
        09:02 capacity 1           -> capacity 1 draining
        09:03 capacity 4           -> capacity 4
        09:03 claim sun            -> held
    ");
}

#[test]
fn r34_the_preview_names_those_whom_the_change_then_promotes() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 claim wang queue     -> waiting 1
        09:00 claim zhao queue     -> waiting 2
        09:00 claim sun queue      -> waiting 3
        09:01 preview 1            -> nothing
        09:01 preview 3            -> wang, zhao
        09:01 preview 9            -> wang, zhao, sun
        09:02 capacity 3           -> capacity 3; wang promoted; zhao promoted
        09:02 show zhao            -> held until +1 09:02
        09:02 show sun             -> waiting 1
    ");
}

#[test]
fn r34_a_closed_pool_promotes_nobody_however_many_seats_it_gets() {
    run("
        capacity 1
        09:00 claim li             -> held
        09:00 claim wang queue     -> waiting 1
        09:01 close                -> closed
        09:01 preview 5            -> nothing
        09:01 capacity 5           -> capacity 5
        09:02 open                 -> opened; wang promoted
        09:02 claim zhao           -> held
    ");
}
