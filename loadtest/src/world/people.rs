//! Made-up people: names and resident ID numbers that belong to nobody.
//!
//! Promises: ID numbers are unique in a province up to 150 million, valid by their check digit (GB 11643), and lie
//! in areas `PP99xx`, which are not assigned to any place. Names include some with a middle dot and some with rare
//! characters, as real lists do (R3).

use chrono::{Datelike, Days, NaiveDate};

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
    "林", "高", "罗", "郑", "梁", "谢", "欧阳",
];
const GIVEN: [&str; 32] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "秀", "霞", "平", "刚", "桂", "文", "辉", "玲", "欣", "雨", "晨", "子", "涵", "梓", "浩",
];
const RARE: [&str; 4] = ["䶮", "㛃", "喆", "堃"];
const DOTTED: [&str; 4] = ["阿依古丽·买买提", "古丽娜尔·吐尔逊", "艾力·阿不都", "扎西·多吉"];

/// Days on which the made-up candidates are born, from 2003-01-01 on.
const BIRTHDAYS: u32 = 1500;

/// The name of a province's nth candidate.
pub(super) fn name(number: u32) -> String {
    // A fixed mixing, so that neighbours have different names.
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let pick = |list: &[&'static str], shift: u32| {
        let digits = usize::try_from(mixed >> shift & 0xFFFF).unwrap_or(0);
        list[digits % list.len()]
    };
    if number % 211 == 7 {
        return pick(&DOTTED, 20).to_owned();
    }
    let last = if number % 509 == 11 {
        pick(&RARE, 30)
    } else {
        pick(&GIVEN, 40)
    };
    [pick(&SURNAMES, 10), pick(&GIVEN, 25), last].concat()
}

/// Whether the ID number's sequence is odd, which means male.
pub(super) const fn gender(number: u32) -> &'static str {
    if number % 2 == 1 { "男" } else { "女" }
}

/// The ID number of a province's nth candidate.
pub(super) fn id_number(province_code: &str, number: u32) -> String {
    let (sequence, rest) = (number % 1000, number / 1000);
    let (day, area) = (rest % BIRTHDAYS, rest / BIRTHDAYS % 100);
    let first = NaiveDate::from_ymd_opt(2003, 1, 1).expect("a date of the calendar");
    let born = first + Days::new(u64::from(day));
    let mut id = format!(
        "{province_code}99{area:02}{:04}{:02}{:02}{sequence:03}",
        born.year(),
        born.month(),
        born.day()
    );
    id.push(check_digit(&id));
    id
}

/// The check digit of the first 17 digits (ISO 7064, MOD 11-2).
fn check_digit(digits: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    char::from(b"10X98765432"[(sum % 11) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard_s_own_example() {
        assert_eq!(check_digit("11010519491231002"), 'X');
        assert_eq!(check_digit("44052418800101001"), '4');
    }

    #[test]
    fn id_numbers_are_unique_and_in_areas_of_no_place() {
        let ids: std::collections::HashSet<String> = (0..5000)
            .chain(1_499_000..1_501_000)
            .map(|n| id_number("32", n))
            .collect();
        assert_eq!(ids.len(), 7000);
        assert!(ids.iter().all(|id| id.len() == 18 && id.starts_with("3299")));
    }
}
