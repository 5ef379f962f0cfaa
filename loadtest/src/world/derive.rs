//! The rules by which schools become campuses, pools and candidates. The README states them with their reasons.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::schools::{School, SchoolKind, schools};
use super::subjects::{CET4, CET6, ORAL4, ORAL6, OTHER_LANGUAGES, SUBJECTS};
use super::{Campus, Candidate, NO_POOL, Pool, World};

/// Which provinces take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvinceChoice {
    /// All 31.
    All,
    /// Those with these codes.
    These(Vec<String>),
}

/// The share of the real number of candidates that is simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(pub f64);

impl ProvinceChoice {
    fn includes(&self, school: &School) -> bool {
        match self {
            Self::All => true,
            Self::These(codes) => codes.contains(&school.province_code),
        }
    }
}

impl Scale {
    /// A number of people at this scale, at least one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of people below 2^32, rounded on purpose"
    )]
    fn of(self, people: u32) -> u32 {
        ((f64::from(people) * self.0).round() as u32).max(1)
    }
}

/// How many campuses a school has, of how many candidates each: a rule by kind, drawn for each school alone, so that
/// a school is the same whichever provinces are chosen.
fn campuses_of(school: &School, seed: u64) -> (ChaCha8Rng, Vec<u32>) {
    let code: u64 = school
        .code
        .bytes()
        .fold(0, |code, digit| code * 10 + u64::from(digit - b'0'));
    let mut dice = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(code));
    let (two, three, candidates) = match school.kind {
        SchoolKind::Undergraduate => (0.13, 0.02, 2_000..8_800),
        SchoolKind::Vocational => (0.03, 0.0, 700..2_700),
    };
    let roll: f64 = dice.random();
    let count = if roll < three {
        3
    } else if roll < three + two {
        2
    } else {
        1
    };
    let total: u32 = dice.random_range(candidates);
    let mut sizes = vec![total / count; count as usize];
    sizes[0] += total % count;
    (dice, sizes)
}

/// How many candidates the chosen provinces have at full scale.
pub fn candidates_at_full_scale(choice: &ProvinceChoice, seed: u64) -> u64 {
    schools()
        .iter()
        .filter(|school| choice.includes(school))
        .flat_map(|school| campuses_of(school, seed).1)
        .map(u64::from)
        .sum()
}

/// The chosen provinces.
pub fn country(choice: &ProvinceChoice, seed: u64, scale: Scale) -> World {
    let mut world = World {
        schools: Vec::new(),
        campuses: Vec::new(),
        pools: Vec::new(),
        candidates: Vec::new(),
    };
    let mut in_province = std::collections::HashMap::<String, u32>::new();
    for school in schools().into_iter().filter(|school| choice.includes(school)) {
        let (mut dice, sizes) = campuses_of(&school, seed);
        let number = in_province.entry(school.province_code.clone()).or_default();
        for (nth, size) in (0..).zip(sizes) {
            add_campus(&mut world, &school, nth, scale.of(size), number, &mut dice);
        }
        world.schools.push(school);
    }
    choose_other_sites(&mut world, seed);
    world
}

fn add_campus(
    world: &mut World,
    school: &School,
    nth: u8,
    candidates: u32,
    number: &mut u32,
    dice: &mut ChaCha8Rng,
) {
    let (first_pool, campus) = (index(&world.pools), index(&world.campuses));
    let code = format!("{}{nth}", school.code);
    let name = ["本部", "东校区", "南校区"][usize::from(nth)];
    let offered = offered_subjects(school.kind, dice);
    let pool_of = |subject: u8| {
        let place = offered.iter().position(|&it| it == subject);
        place.map_or(NO_POOL, |place| {
            first_pool + u32::try_from(place).unwrap_or(NO_POOL)
        })
    };
    // People are drawn apart, so that their number changes nothing of the school.
    let mut people = ChaCha8Rng::seed_from_u64(dice.random());
    let mut wanted = vec![0_u32; offered.len()];
    for _ in 0..candidates {
        let (written, oral) = wishes(&offered, &mut people);
        let (written, oral) = (pool_of(written), oral.map_or(NO_POOL, pool_of));
        for pool in [written, oral].into_iter().filter(|&pool| pool != NO_POOL) {
            wanted[(pool - first_pool) as usize] += 1;
        }
        world.candidates.push(Candidate {
            campus,
            written,
            oral,
            number: *number,
        });
        *number += 1;
    }
    for (&subject, wanted) in offered.iter().zip(wanted) {
        let oral = subject == ORAL4 || subject == ORAL6;
        let share = if oral {
            dice.random_range(0.4..0.9)
        } else {
            dice.random_range(0.75..1.15)
        };
        world.pools.push(Pool {
            id: format!("{code}-{}", SUBJECTS[usize::from(subject)].code),
            campus,
            subject,
            capacity: Scale(share).of(wanted),
            open: !(oral && dice.random_bool(0.05)),
        });
    }
    world.campuses.push(Campus {
        code,
        name: name.into(),
        school: index(&world.schools),
        pools: first_pool..index(&world.pools),
    });
}

/// English, written and oral, everywhere; each other language by chance.
fn offered_subjects(kind: SchoolKind, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let chance = match kind {
        SchoolKind::Undergraduate => 0.85,
        SchoolKind::Vocational => 0.6,
    };
    let mut offered = vec![CET4, CET6];
    offered.extend(OTHER_LANGUAGES.filter(|_| dice.random_bool(chance)));
    offered.extend([ORAL4, ORAL6]);
    offered
}

/// What one candidate wants: 60 % CET4, 36 % CET6, 4 % another language; of those in English half the oral test too.
fn wishes(offered: &[u8], dice: &mut ChaCha8Rng) -> (u8, Option<u8>) {
    let others = &offered[2..offered.len() - 2];
    let roll: f64 = dice.random();
    if roll < 0.04 && !others.is_empty() {
        return (others[dice.random_range(0..others.len())], None);
    }
    let (written, oral) = if roll < 0.64 { (CET4, ORAL4) } else { (CET6, ORAL6) };
    (written, dice.random_bool(0.5).then_some(oral))
}

/// A fifth of those who want the oral test choose another campus of their province (R11: oral anywhere).
fn choose_other_sites(world: &mut World, seed: u64) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x0A11);
    let mut by_province = std::collections::HashMap::<&str, Vec<usize>>::new();
    for (at, campus) in world.campuses.iter().enumerate() {
        let province = &world.schools[campus.school as usize].province_code;
        by_province.entry(province).or_default().push(at);
    }
    for candidate in &mut world.candidates {
        if candidate.oral == NO_POOL || !dice.random_bool(0.2) {
            continue;
        }
        let school = world.campuses[candidate.campus as usize].school;
        let sites = &by_province[world.schools[school as usize].province_code.as_str()];
        let site = &world.campuses[sites[dice.random_range(0..sites.len())]];
        let subject = world.pools[candidate.oral as usize].subject;
        // The oral pools are the last two of every campus, level four first.
        candidate.oral = site.pools.end - if subject == ORAL4 { 2 } else { 1 };
    }
}

/// One school with one campus and the one pool CET4: the hot pool.
pub fn single_pool(candidates: u32, capacity: u32) -> World {
    let candidate = |number| Candidate {
        campus: 0,
        written: 0,
        oral: NO_POOL,
        number,
    };
    World {
        schools: vec![School {
            province_code: "99".into(),
            province_name: "测试省".into(),
            code: "99201".into(),
            name: "压力测试学院".into(),
            kind: SchoolKind::Undergraduate,
        }],
        campuses: vec![Campus {
            code: "992010".into(),
            name: "本部".into(),
            school: 0,
            pools: 0..1,
        }],
        pools: vec![Pool {
            id: "992010-1".into(),
            campus: 0,
            subject: CET4,
            capacity,
            open: true,
        }],
        candidates: (0..candidates).map(candidate).collect(),
    }
}

fn index<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).expect("fewer than 2^32 of each")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jiangsu(scale: f64) -> World {
        country(&ProvinceChoice::These(vec!["32".into()]), 1, Scale(scale))
    }

    #[test]
    fn the_same_seed_gives_the_same_world() {
        assert_eq!(jiangsu(0.01), jiangsu(0.01));
    }

    #[test]
    fn a_campus_offers_the_same_at_every_scale() {
        let offers = |world: &World| {
            let pools = world.pools.iter();
            pools.map(|pool| (pool.id.clone(), pool.open)).collect::<Vec<_>>()
        };
        assert_eq!(offers(&jiangsu(0.01)), offers(&jiangsu(0.03)));
    }

    #[test]
    fn jiangsu_has_its_175_schools() {
        let world = jiangsu(0.02);
        assert_eq!(world.schools.len(), 175);
        assert!(world.campuses.len() >= 175);
        assert!(world.pools.len() > 1500);
        for candidate in &world.candidates {
            let campus = &world.campuses[candidate.campus as usize];
            assert!(campus.pools.contains(&candidate.written));
            if candidate.oral != NO_POOL {
                let (oral, written) = (candidate.oral as usize, candidate.written as usize);
                let (oral, written) = (world.pools[oral].subject, world.pools[written].subject);
                let needed = SUBJECTS[usize::from(oral)].requires;
                assert_eq!(needed, Some(SUBJECTS[usize::from(written)].code));
            }
        }
    }

    #[test]
    fn the_whole_country_is_about_ten_million_candidates() {
        let all = candidates_at_full_scale(&ProvinceChoice::All, 1);
        assert!((9_000_000..11_000_000).contains(&all), "{all}");
    }

    #[test]
    fn campus_codes_are_unique_and_of_six_digits() {
        let world = country(&ProvinceChoice::All, 1, Scale(0.0001));
        let codes: std::collections::HashSet<&str> = world.campuses.iter().map(|it| &*it.code).collect();
        assert_eq!(codes.len(), world.campuses.len());
        assert!(codes.iter().all(|code| code.len() == 6));
        assert!((2_900..3_500).contains(&codes.len()), "{}", codes.len());
        assert!(
            (25_000..33_000).contains(&world.pools.len()),
            "{}",
            world.pools.len()
        );
    }
}
