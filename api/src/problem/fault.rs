//! What is wrong with a value, said in both languages: the one place for it. Exhaustive: a fault without its words
//! does not compile.

use kaowei_core::sites::{Paper, SittingFault};
use kaowei_engine::{BadLine, Fault};

use super::Words;

impl From<&Fault> for Words {
    #[expect(clippy::too_many_lines, reason = "a table: one entry a fault")]
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Text { min: 0, max } => both(
                format!("不得超过 {max} 个字符，且不含 U+0000。"),
                format!("It must have at most {max} characters, none of them U+0000."),
            ),
            Fault::Text { min, max } => text(*min, *max),
            Fault::Number { min, max } => both(
                format!("须为 {min} 至 {max} 的整数。"),
                format!("It must be a whole number from {min} to {max}."),
            ),
            Fault::OneOf(names) => both(
                format!("只能是 {} 之一。", names.join("、")),
                format!("It must be one of {}.", names.join(", ")),
            ),
            Fault::MethodNotOffered { offered } if offered.is_empty() => {
                fixed("目前没有可用的支付方式。", "There is no way to pay for now.")
            }
            Fault::MethodNotOffered { offered } => both(
                format!("此支付方式未开通；可用的有 {}。", offered.join("、")),
                format!(
                    "One can't pay by that method here, but by {}.",
                    offered.join(", ")
                ),
            ),
            Fault::Code { given, max } => both(
                format!("“{given}”不是代码：代码由 1 至 {max} 个字母、数字或下划线组成。"),
                format!("{given:?} is not a code: one has 1 to {max} letters, digits or underscores."),
            ),
            Fault::ResidentId => fixed(
                "不是有效的居民身份证号码：须为 18 位，且校验码正确。",
                "It is not a resident ID: 18 characters with a right check digit.",
            ),
            Fault::IdNumber => fixed(
                "证件号码须为 1 至 32 个字母、数字或连字符。",
                "It must have 1 to 32 letters, digits or hyphens.",
            ),
            Fault::StaffLogin => fixed(
                "登录名须为 3 至 64 个字母、数字、点、连字符、下划线或 @。",
                "A login has 3 to 64 letters, digits, dots, hyphens, underscores or @.",
            ),
            Fault::UnknownSchool(school) => both(
                format!("没有学校 {school} 的校区，请先导入校区。"),
                format!("There is no campus of a school {school}: import campuses first."),
            ),
            Fault::UnknownCampus(campus) => both(
                format!("没有校区 {campus}，请先导入校区。"),
                format!("There is no campus {campus}: import campuses first."),
            ),
            Fault::UnknownSubject(subject) => both(
                format!("考次中没有科目 {subject}，请先在考次中加入该科目。"),
                format!("The sitting has no subject {subject}: add it to the sitting first."),
            ),
            Fault::NoSitting => fixed(
                "尚未设置考次，请先设置考次。",
                "There is no sitting yet: set it first.",
            ),
            Fault::Phone => fixed(
                "须为电话号码：6 至 15 位数字，前面可以有 +。",
                "It must be a phone number: 6 to 15 digits, perhaps with a + before them.",
            ),
            Fault::PersonalPassword => fixed(
                "密码不可包含证件号码或手机号码，也不可为证件号码的后八位。",
                "A password must not contain the ID number or the phone, nor be the last eight characters of the ID number.",
            ),
            Fault::UnknownProvince(province) => both(
                format!("省份 {province} 没有考点：请从考点列表中选择。"),
                format!("There is no site in province {province}: choose one of the list of sites."),
            ),
            Fault::OutOfScope { school, scope } => both(
                format!("学校 {school} 不在你的管理范围（{scope}）之内。"),
                format!("School {school} lies outside your scope, {scope}."),
            ),
            Fault::ReservedProvince(province) => both(
                format!("省份代码 {province} 由系统保留，请使用其他代码。"),
                format!("The province code {province} is reserved: use another."),
            ),
            Fault::CampusElsewhere {
                campus,
                school,
                province,
            } => both(
                format!("校区 {campus} 属于省份 {province} 的学校 {school}。"),
                format!("Campus {campus} belongs to school {school} in province {province}."),
            ),
            Fault::CapacityBelowTaken { held, paid } => both(
                format!("容量低于已占用的考位数：已保留 {held} 个，已支付 {paid} 个。"),
                format!("The capacity is less than what is taken: {held} held and {paid} paid."),
            ),
            Fault::Cells { given, expected } => both(
                format!("此行有 {given} 个单元格，而表头有 {expected} 个。"),
                format!("The line has {given} cells where the header has {expected}."),
            ),
            Fault::OpenQuote { to } => both(
                format!("有单元格一直延续到第 {to} 行：可能是引号没有闭合。"),
                format!("A cell runs on to line {to}: perhaps a quote is not closed."),
            ),
            Fault::NotUtf8 => fixed(
                "不是 UTF-8 编码的文本，请另存为 UTF-8 编码。",
                "It is not UTF-8: save the file in that encoding.",
            ),
            Fault::MissingColumns(names) => both(
                format!("表头缺少以下列：{}。", names.join("、")),
                format!("The header lacks the columns {}.", names.join(", ")),
            ),
            Fault::ColumnTwice(name) => both(
                format!("表头中的列“{name}”出现了两次。"),
                format!("The header names the column {name:?} twice."),
            ),
            Fault::OtherAgreement { in_force } => both(
                format!("现行的报名协议是 {in_force} 版，请重新阅读后再接受。"),
                format!("The agreement in force is version {in_force}: read it, then accept that."),
            ),
            Fault::Sitting(fault) => of_sitting(*fault),
            Fault::SubjectDropped(subject) => both(
                format!(
                    "科目 {subject} 已有考位池，不可移除：请保留该科目；如需停止报考，请关闭它的考位池。"
                ),
                format!("Subject {subject} has pools, so it stays: to take no more claims, close its pools."),
            ),
            Fault::SittingInUse { id } => both(
                format!(
                    "考次 {id} 已有报名或报考，不可更换：请保留此编号；新的考次请使用新的数据目录或数据库。"
                ),
                format!(
                    "Sitting {id} has enrolments or claims, so its id stays: a new sitting needs a store of its own."
                ),
            ),
            Fault::AgreementAccepted { version } => both(
                format!("{version} 版协议已有考生接受，其内容不可更改：修改内容时请使用新的版本号。"),
                format!(
                    "Version {version} was accepted by candidates as it is: give another text another version."
                ),
            ),
            Fault::WindowDropped { province, paper } => both(
                format!(
                    "省份 {province} 的{}仍有未支付或候补的考位：请为其保留时间段。",
                    match paper {
                        Paper::Written => "笔试",
                        Paper::Oral => "口试",
                    }
                ),
                format!(
                    "Seats of {paper} papers in province {province} are held or waited for: keep a window for them."
                ),
            ),
            Fault::PaymentEndsBeforeHolds { latest } => both(
                format!("已有考位保留至 {latest}：payment_closes_at 不得早于此时刻。"),
                format!("Seats are held until {latest}: its payment_closes_at must not be earlier."),
            ),
            Fault::SubjectHasPools(subject) => both(
                format!("科目 {subject} 已有考位池，其笔试口试类别、级别和所需科目不可再更改。"),
                format!(
                    "Subject {subject} has pools: its paper, level and required subject can't change any more."
                ),
            ),
        }
    }
}

fn of_sitting(fault: SittingFault) -> Words {
    match fault {
        SittingFault::Text { max } => text(1, max),
        SittingFault::Seconds { max } => both(
            format!("须为 1 至 {max} 秒。"),
            format!("It must be 1 to {max} seconds."),
        ),
        SittingFault::Empty => fixed("至少要有一项。", "There must be at least one."),
        SittingFault::SubjectTwice(subject) => both(
            format!("科目 {subject} 出现了两次。"),
            format!("Subject {subject} is listed twice."),
        ),
        SittingFault::Requires => fixed(
            "requires 须为同级别的笔试科目，且只用于口试科目。",
            "An oral subject may require a written subject of its level, and no other subject requires any.",
        ),
        SittingFault::WindowTwice => fixed(
            "同一省份、学校和类别的时间段出现了两次。",
            "A window of this province, school and paper is listed twice.",
        ),
        SittingFault::ClosesBeforeItOpens => fixed(
            "closes_at 须晚于 opens_at。",
            "Its closes_at must be later than its opens_at.",
        ),
        SittingFault::PaymentEndsTooEarly { earliest } => both(
            format!(
                "payment_closes_at 不得早于 {earliest}，即 waitlist_closes_at 之后再加 hold_seconds，\
                 以便最后一位候补成功的考生有完整的缴费时间。"
            ),
            format!(
                "Its payment_closes_at must be {earliest} or later, which is hold_seconds after waitlist_closes_at, \
                 so that whoever is promoted last has the full time to pay."
            ),
        ),
        SittingFault::PaymentEndsBeforeTheWindow => fixed(
            "payment_closes_at 不得早于 closes_at，否则最后占得的考位无法缴费。",
            "Its payment_closes_at must not be earlier than closes_at: a seat taken after it could not be paid.",
        ),
        SittingFault::SchoolWithoutProvince => fixed(
            "学校的时间段须写明其省份。",
            "A school's window must name its province.",
        ),
        SittingFault::OutsideTheProvince => fixed(
            "学校的时间段须在所属省份的时间段之内。",
            "A school's window must lie inside its province's.",
        ),
    }
}

/// What is wrong with a line, beginning with the column where it is one cell's fault.
impl From<&BadLine> for Words {
    fn from(bad: &BadLine) -> Self {
        let words = Self::from(&bad.fault);
        match bad.column {
            None => words,
            Some(column) => words.about(column),
        }
    }
}

fn text(min: usize, max: usize) -> Words {
    both(
        format!("须为 {min} 至 {max} 个字符，且不含 U+0000。"),
        format!("It must have {min} to {max} characters, none of them U+0000."),
    )
}

fn both(zh: String, en: String) -> Words {
    (zh, en).into()
}

fn fixed(zh: &'static str, en: &'static str) -> Words {
    (zh, en).into()
}
