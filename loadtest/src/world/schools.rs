//! The Ministry's list of schools, built into the program (`data/schools.csv`).

/// Whether a school awards degrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchoolKind {
    /// 本科
    Undergraduate,
    /// 专科
    Vocational,
}

/// One school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// Two digits.
    pub province_code: String,
    /// The province's name.
    pub province_name: String,
    /// Five digits.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether it awards degrees.
    pub kind: SchoolKind,
}

/// Every school of the list, in its order.
pub fn schools() -> Vec<School> {
    let list = include_str!("../../data/schools.csv");
    let mut schools = Vec::new();
    // The list is part of the program, and a test counts its rows: there is none that can't be read.
    for row in csv::Reader::from_reader(list.as_bytes()).into_records().flatten() {
        schools.push(School {
            province_code: row[0].into(),
            province_name: row[1].into(),
            code: row[2].into(),
            name: row[3].into(),
            kind: match &row[5] {
                "undergraduate" => SchoolKind::Undergraduate,
                _ => SchoolKind::Vocational,
            },
        });
    }
    schools
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_list_is_a_school() {
        assert_eq!(schools().len(), 2919);
    }
}
