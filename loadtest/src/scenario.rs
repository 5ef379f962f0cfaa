//! The scenarios: from a subcommand's options to a world, arrivals, habits and times.
//!
//! Promises: a scenario is fixed before the run begins; its rules stand in `told`, which is printed at the start and
//! in the report.

use std::fmt::Write as _;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::arrivals::Curve;
use crate::candidate::Habits;
use crate::cli::{self, ExpiryStorm, HotPool, Journey, LoginStorm, OpeningDay, Steady};
use crate::logins::StormPlan;
use crate::world::{ProvinceChoice, Scale, World, candidates_at_full_scale, country, single_pool};

/// By default about so many candidates take part.
const CANDIDATES_BY_DEFAULT: f64 = 40_000.0;
const DAY_SECONDS: u32 = 86_400;

/// A run, planned.
#[derive(Debug)]
pub struct Scenario {
    /// The subcommand.
    pub name: &'static str,
    /// What it is, in a line.
    pub title: String,
    /// What was decided by rule or default, each in a sentence.
    pub told: Vec<String>,
    /// What is imported.
    pub world: World,
    /// Microseconds after the opening, and who arrives then.
    pub arrivals: Vec<(u64, u32)>,
    /// What candidates do.
    pub habits: Habits,
    /// How long the load goes on.
    pub window_seconds: u32,
    /// How long a hold lasts.
    pub hold_seconds: u32,
    /// Whether the claims open only after the warm-up, at an instant that the staff set.
    pub opens_by_staff: bool,
    /// Whether a candidate who arrives again claims again.
    pub arrive_again: bool,
    /// Logins beside the claims.
    pub logins: Option<StormPlan>,
}

/// What the candidates of an opening day do; the other scenarios change what they are about.
const OPENING_DAY: Habits = Habits {
    look: 0.8,
    double_click: 0.04,
    second_tab: 0.02,
    impatient: 0.01,
    reject_first: 0.3,
    then_queue: 0.7,
    cancel: 0.05,
    claim_again: 0.5,
    withdraw: 0.05,
    pay: 0.0,
    odd_payment: 0.0,
    polls: 4,
    think_seconds: 0.5,
};

/// Why a scenario can't be planned.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A province without a school.
    #[error(
        "no school of the list lies in province {0}; the codes are two digits, 32 is Jiangsu, or say `all`"
    )]
    NoSuchProvince(String),
}

/// The provinces of a list of codes, each of which must have a school.
pub fn provinces(codes: &[String]) -> Result<ProvinceChoice, ScenarioError> {
    let choice = cli::province_choice(codes);
    if let ProvinceChoice::These(codes) = &choice {
        let schools = crate::world::schools();
        let unknown = |code: &&String| !schools.iter().any(|school| school.province_code == **code);
        if let Some(code) = codes.iter().find(unknown) {
            return Err(ScenarioError::NoSuchProvince(code.clone()));
        }
    }
    Ok(choice)
}

/// `opening-day`
pub fn opening_day(options: &OpeningDay) -> Result<Scenario, ScenarioError> {
    let choice = provinces(&options.province)?;
    let seed = options.run.seed;
    let everybody = candidates_at_full_scale(&choice, seed);
    let (scale, why) = match options.scale {
        Some(scale) => (scale, "as told"),
        None => (
            scale_for(everybody, CANDIDATES_BY_DEFAULT),
            "so that it takes a couple of minutes here",
        ),
    };
    let world = country(&choice, seed, Scale(scale));
    let window_seconds = options.window_seconds;
    let curve = Curve::Opening {
        window_seconds: window_seconds.into(),
    };
    let count = world.candidates.len();
    Ok(Scenario {
        name: "opening-day",
        title: format!("Opening day: {}", place_names(&world)),
        told: vec![
            format!("scale {scale:.3}, {why}: {count} of {everybody} candidates (--scale)"),
            format!(
                "two hours of the opening curve in {window_seconds} s (--window-seconds): a fifth arrives in the \
                first {:.1} s",
                f64::from(window_seconds) / 120.0
            ),
        ],
        arrivals: everyone_once(&world, curve, seed),
        world,
        habits: OPENING_DAY,
        window_seconds: window_seconds + 5,
        hold_seconds: DAY_SECONDS,
        opens_by_staff: true,
        arrive_again: false,
        logins: None,
    })
}

/// `hot-pool`
pub fn hot_pool(options: &HotPool) -> Scenario {
    let world = single_pool(options.candidates, options.capacity);
    let curve = Curve::Constant {
        rate_per_second: options.rate.into(),
    };
    let window_seconds = options.candidates.div_ceil(options.rate) + 6;
    Scenario {
        name: "hot-pool",
        title: format!(
            "Hot pool: {} candidates for {} seats",
            options.candidates, options.capacity
        ),
        told: vec![format!(
            "{} arrivals a second, evenly spread (a Poisson process)",
            options.rate
        )],
        arrivals: everyone_once(&world, curve, options.run.seed),
        world,
        habits: OPENING_DAY,
        window_seconds,
        hold_seconds: DAY_SECONDS,
        opens_by_staff: false,
        arrive_again: false,
        logins: None,
    }
}

/// `steady`
pub fn steady(options: &Steady) -> Result<Scenario, ScenarioError> {
    let choice = provinces(&options.province)?;
    let seed = options.run.seed;
    let wanted = f64::from(options.rate.saturating_mul(8).min(80_000));
    let scale = scale_for(candidates_at_full_scale(&choice, seed), wanted);
    let world = country(&choice, seed, Scale(scale));
    let claims = options.rate * options.seconds;
    let curve = Curve::Constant {
        rate_per_second: options.rate.into(),
    };
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let order = shuffled(&world, &mut dice);
    let instants = curve.instants_us(claims, &mut dice);
    let arrivals = instants.into_iter().zip(order.iter().copied().cycle()).collect();
    Ok(Scenario {
        name: "steady",
        title: format!(
            "Steady: {} claims a second for {} s",
            options.rate, options.seconds
        ),
        told: vec![
            format!(
                "{} candidates take turns; each claim is given up about a second later",
                world.candidates.len()
            ),
            "evenly spread arrivals (a Poisson process)".into(),
        ],
        world,
        arrivals,
        habits: Habits {
            look: 0.0,
            reject_first: 0.0,
            cancel: 1.0,
            withdraw: 1.0,
            claim_again: 0.0,
            polls: 1,
            ..OPENING_DAY
        },
        window_seconds: options.seconds + 4,
        hold_seconds: DAY_SECONDS,
        opens_by_staff: false,
        arrive_again: true,
        logins: None,
    })
}

/// `expiry-storm`
pub fn expiry_storm(options: &ExpiryStorm) -> Scenario {
    let (hold, seed) = (options.hold_seconds, options.run.seed);
    let first_seconds = (hold / 4).max(1);
    let window_seconds = hold * 5 / 2;
    let newcomers = options.newcomers * (window_seconds - first_seconds);
    let choice = ProvinceChoice::These(vec!["32".into()]);
    let wanted = f64::from(options.holds + newcomers);
    // A little more than wanted, since campuses are rounded up.
    let scale = scale_for(candidates_at_full_scale(&choice, seed), wanted * 1.01);
    let world = country(&choice, seed, Scale(scale));
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let order = shuffled(&world, &mut dice);
    let rate = |count: u32, seconds: u32| Curve::Constant {
        rate_per_second: f64::from(count) / f64::from(seconds),
    };
    let first = rate(options.holds, first_seconds).instants_us(options.holds, &mut dice);
    let later = rate(options.newcomers, 1).instants_us(newcomers, &mut dice);
    let later = later
        .into_iter()
        .map(|at| at + u64::from(first_seconds) * 1_000_000);
    Scenario {
        name: "expiry-storm",
        title: format!(
            "Expiry storm: {} holds of {hold} s fall due together",
            options.holds
        ),
        told: vec![
            format!(
                "{} claim in the first {first_seconds} s, then {} newcomers a second",
                options.holds, options.newcomers
            ),
            "nobody pays: every hold expires, and the head of the queue is promoted".into(),
        ],
        arrivals: first.into_iter().chain(later).zip(order).collect(),
        world,
        habits: Habits {
            look: 0.2,
            cancel: 0.0,
            withdraw: 0.01,
            polls: 6,
            ..OPENING_DAY
        },
        window_seconds,
        hold_seconds: hold,
        opens_by_staff: false,
        arrive_again: false,
        logins: None,
    }
}

/// `login-storm`
pub fn login_storm(options: &LoginStorm) -> Result<Scenario, ScenarioError> {
    let claims = steady(&Steady {
        rate: options.rate,
        seconds: options.seconds * 2,
        province: options.province.clone(),
        run: options.run.clone(),
    })?;
    let (times, seconds) = (options.times, options.seconds);
    let storm = format!(
        "alone for {seconds} s, then for {seconds} s beside {times} times the logins that hashing serves, which is \
         measured before; {} accounts log in, in turn",
        options.accounts
    );
    Ok(Scenario {
        name: "login-storm",
        title: format!(
            "Login storm: {} claims a second and {times} times too many logins",
            options.rate
        ),
        told: claims.told.iter().cloned().chain([storm]).collect(),
        logins: Some(StormPlan {
            accounts: options.accounts,
            times,
            quiet_seconds: seconds,
            seconds,
        }),
        ..claims
    })
}

/// So long after the last arrival its journey is over.
const JOURNEY_SECONDS: u32 = 25;

/// `journey`
pub fn journey(options: &Journey) -> Result<Scenario, ScenarioError> {
    let choice = provinces(&options.province)?;
    let seed = options.run.seed;
    let wanted = f64::from(options.rate.saturating_mul(options.seconds));
    let world = country(
        &choice,
        seed,
        Scale(scale_for(candidates_at_full_scale(&choice, seed), wanted)),
    );
    let everybody = world.candidates.len();
    let rate_per_second =
        f64::from(u32::try_from(everybody).unwrap_or(u32::MAX)) / f64::from(options.seconds);
    let odd_percent = options.odd_percent;
    Ok(Scenario {
        name: "journey",
        title: format!("Journey: {everybody} candidates from the enrolment to paid, {}", place_names(&world)),
        told: vec![
            format!("{rate_per_second:.1} arrivals a second for {} s (a Poisson process)", options.seconds),
            "whoever gets a seat chooses the score report, orders, pays at the sandbox's cashier and comes back; then \
             the same for the oral one"
                .into(),
            format!(
                "{odd_percent} in a hundred have trouble there once: in vain, unheard by the server, told three \
                 times, or a wrong amount"
            ),
        ],
        arrivals: everyone_once(&world, Curve::Constant { rate_per_second }, seed),
        world,
        habits: Habits {
            look: 1.0,
            cancel: 0.0,
            withdraw: 0.0,
            pay: 1.0,
            odd_payment: f64::from(odd_percent) / 100.0,
            ..OPENING_DAY
        },
        window_seconds: options.seconds + JOURNEY_SECONDS,
        hold_seconds: DAY_SECONDS,
        opens_by_staff: false,
        arrive_again: false,
        logins: None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a number of people far below 2^52")]
fn scale_for(everybody: u64, wanted: f64) -> f64 {
    (wanted / everybody as f64).min(1.0)
}

fn shuffled(world: &World, dice: &mut ChaCha8Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(world.candidates.len()).collect();
    order.shuffle(dice);
    order
}

fn everyone_once(world: &World, curve: Curve, seed: u64) -> Vec<(u64, u32)> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let order = shuffled(world, &mut dice);
    let count = u32::try_from(order.len()).expect("fewer than 2^32 candidates");
    curve
        .instants_us(count, &mut dice)
        .into_iter()
        .zip(order)
        .collect()
}

/// The provinces by name, as far as they fit in a title.
fn place_names(world: &World) -> String {
    let mut names: Vec<&str> = world
        .schools
        .iter()
        .map(|school| school.province_name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut text = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        let _ = write!(text, " and {} more", names.len() - 3);
    }
    let _ = write!(
        text,
        ", {} schools, {} pools",
        world.schools.len(),
        world.pools.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn jiangsu_by_default_is_about_forty_thousand_each_arriving_once() {
        let Command::OpeningDay(options) = Cli::parse_from(["x", "opening-day"]).command else {
            panic!("not an opening day");
        };
        let scenario = opening_day(&options).unwrap();
        let count = scenario.world.candidates.len();
        assert!((39_000..41_000).contains(&count), "{count}");
        let mut who: Vec<u32> = scenario.arrivals.iter().map(|arrival| arrival.1).collect();
        who.sort_unstable();
        assert!(who.into_iter().eq(0..u32::try_from(count).unwrap()));
    }

    #[test]
    fn every_scenario_can_be_planned() {
        for line in [
            "hot-pool --candidates 50",
            "steady --rate 20 --seconds 2",
            "expiry-storm --holds 100",
            "login-storm --rate 20 --seconds 2",
            "journey --rate 5 --seconds 2",
        ] {
            let words = ["x"].into_iter().chain(line.split(' '));
            let scenario = match Cli::parse_from(words).command {
                Command::HotPool(options) => hot_pool(&options),
                Command::Steady(options) => steady(&options).unwrap(),
                Command::ExpiryStorm(options) => expiry_storm(&options),
                Command::LoginStorm(options) => login_storm(&options).unwrap(),
                Command::Journey(options) => journey(&options).unwrap(),
                other => panic!("{other:?}"),
            };
            assert!(!scenario.arrivals.is_empty());
            let last = scenario.arrivals.iter().map(|arrival| arrival.0).max().unwrap();
            assert!(last <= u64::from(scenario.window_seconds) * 2_000_000, "{line}");
        }
    }

    #[test]
    fn a_province_that_does_not_exist_is_told() {
        let error = provinces(&["77".into()]).unwrap_err();
        assert!(error.to_string().contains("province 77"));
    }
}
