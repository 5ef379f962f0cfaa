//! The demo sitting: the flow's own test school, loaded when the store is empty, with what to try next.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kaowei_core::registration::ImportKind;
use kaowei_core::sites::{Scope, Sitting};
use kaowei_engine::{Engine, ImportOptions, PoolFilter, Staff};

use crate::cli::{Student, candidate_token, staff_token};
use crate::state::App;

const SITTING: &str = include_str!("../demo/sitting.json");
const CAMPUSES: &str = include_str!("../demo/campuses.csv");
const POOLS: &str = include_str!("../demo/pools.csv");
const STUDENTS: &str = include_str!("../demo/students.csv");
const RESULTS: &str = include_str!("../demo/cet4-results.csv");

/// The demo's tokens live a day.
const TOKEN_SECONDS: i64 = 86_400;
/// For so many students tokens are shown.
const TOKENS_SHOWN: usize = 3;

/// Whether the store is empty.
///
/// # Errors
/// When the engine can't answer.
pub fn is_wanted(engine: &Engine) -> Result<bool> {
    let catalogue = engine.catalogue()?;
    Ok(catalogue.sitting.is_none()
        && catalogue.tree.campuses().next().is_none()
        && engine.pools(&PoolFilter::default())?.is_empty())
}

/// Loads the demo sitting through the same doors as any other.
///
/// # Errors
/// When the store fails, or the demo's files do not fit this release.
pub async fn load(engine: &Engine, folder: &Path) -> Result<()> {
    let staff = Staff {
        subject: "demo".into(),
        scope: Scope::National,
    };
    let sitting: Sitting = serde_json::from_str(SITTING)?;
    engine.put_sitting(&staff, sitting).await?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    for (kind, text) in [
        (ImportKind::Campuses, CAMPUSES),
        (ImportKind::Pools, POOLS),
        (ImportKind::Students, STUDENTS),
        (ImportKind::Cet4Results, RESULTS),
    ] {
        let file = folder.join(format!("upload-demo-{}.csv", kind.as_str()));
        std::fs::write(&file, text).with_context(|| format!("{} can't be written", file.display()))?;
        let options = ImportOptions {
            dry_run: false,
            skip_bad: false,
        };
        let report = engine.import(&staff, kind, &file, options, &|_, _| {}).await;
        // It is removed at the next start otherwise.
        let _ = std::fs::remove_file(&file);
        let report = report?;
        let first = report.rejected.first();
        ensure!(
            report.applied,
            "the demo's {} are not taken: {first:?}",
            kind.as_str()
        );
    }
    Ok(())
}

/// What to try next, with ready-made lines.
///
/// # Errors
/// When tokens can't be made; not in practice.
pub fn welcome(app: &App, server: &str) -> Result<String> {
    let mut text = String::from(
        "\nThe store was empty, so the demo sitting was loaded: 测试学校101 (99101) with five campuses.\n\
         All of it is made up. Tokens for a day, of three candidates (测试一, 测试二, 测试三) and of national staff:\n\n",
    );
    let mut reader = csv::Reader::from_reader(STUDENTS.as_bytes());
    let students: Vec<Student> = reader.deserialize().collect::<Result<_, _>>()?;
    for (n, student) in students.iter().take(TOKENS_SHOWN).enumerate() {
        let token = candidate_token(&app.keys, student, TOKEN_SECONDS)?;
        writeln!(text, "C{}={token}", n + 1)?;
    }
    let staff = staff_token(&app.keys, "demo", Scope::National, TOKEN_SECONDS)?;
    writeln!(text, "STAFF={staff}")?;
    writeln!(
        text,
        "\nPaste the lines above into a shell, then try:\n\n\
         curl '{server}/v1/pools?campus=991010'\n\
         curl -X PUT  {server}/v1/agreement -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"version\":\"{version}\"}}'\n\
         curl -X POST {server}/v1/enrolment -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"phone_confirmed\":true}}'\n\
         curl -X POST {server}/v1/claims    -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"pool\":\"991010-1\",\"on_full\":\"waitlist\"}}'\n\
         curl {server}/v1/enrolment -H \"Authorization: Bearer $C1\"\n\
         curl -X PUT  {server}/v1/enrolment/score-reports -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"choices\":[{{\"subject\":\"1\",\"choice\":\"electronic\"}}]}}'\n\
         curl -X POST {server}/v1/orders    -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"paper\":\"written\",\"method\":\"sandbox\"}}'\n\
         curl -X POST {server}/v1/review    -H \"Authorization: Bearer $C1\" -H 'Content-Type: application/json' -d '{{\"cet4_ticket\":\"991010231100001\"}}'\n\
         curl {server}/v1/staff/overview -H \"Authorization: Bearer $STAFF\"\n\n\
         991010-1 has two seats: the third candidate who claims waits in its queue.\n\
         Open the order's pay_url at {server} in a browser to pay at the sandbox's cashier; no money moves.\n\
         The review opens CET6 to C1 at once. C2's with 991010231100007 waits for staff, C3's with 991010231100003 is refused.\n\
         The interface is readable at {server}/docs. More tokens: kaowei token --help",
        version = app
            .engine
            .catalogue()?
            .sitting
            .as_ref()
            .map_or("", |sitting| &sitting.agreement.version),
    )?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use kaowei_engine::IdType;

    use super::*;

    #[test]
    fn the_demo_s_sitting_is_valid_and_its_students_have_valid_id_numbers() {
        let sitting: Sitting = serde_json::from_str(SITTING).unwrap();
        assert_eq!(sitting.validate(), []);
        let mut reader = csv::Reader::from_reader(STUDENTS.as_bytes());
        let students: Vec<Student> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(students.len(), 12);
        for student in students {
            let kind: IdType = student.id_type.parse().unwrap();
            assert!(kind.accepts(&student.id_number), "{}", student.id_number);
        }
    }
}
