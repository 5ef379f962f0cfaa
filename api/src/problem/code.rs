//! The codes of problems (2.6), each with its HTTP status and what its page says, in Chinese and in English.
//!
//! One table: a code can't exist without its texts. Codes of operations that come later are here already, so that
//! what the contract promises can be looked up from the first day.

use http::StatusCode;

use super::Language;

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Simplified Chinese, the default.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// The text in that language.
    pub fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::Chinese => self.zh,
            Language::English => self.en,
        }
    }
}

macro_rules! codes {
    ($( $variant:ident = $name:literal, $status:ident,
        $title_zh:literal / $title_en:literal,
        $todo_zh:literal / $todo_en:literal; )*) => {
        /// Why a request was not done. The name is stable and part of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $( #[doc = $title_en] $variant, )*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// As the contract writes it.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// The status it usually comes with; `invalid_request` also comes with 400, 405, 413 and 415.
            pub fn status(self) -> StatusCode {
                match self { $( Self::$variant => StatusCode::$status, )* }
            }

            /// What happened, in a few words.
            pub fn title(self) -> Text {
                match self { $( Self::$variant => Text { zh: $title_zh, en: $title_en }, )* }
            }

            /// What to do now.
            pub fn advice(self) -> Text {
                match self { $( Self::$variant => Text { zh: $todo_zh, en: $todo_en }, )* }
            }

            /// The address of its page on this server.
            pub fn page(self) -> &'static str {
                match self { $( Self::$variant => concat!("/problems/", $name), )* }
            }

            /// The code with that name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $( $name => Some(Self::$variant), )* _ => None }
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", UNPROCESSABLE_ENTITY,
        "请求有误" / "The request is not valid",
        "请修改后重试；如有 errors，它指出了有误的位置；接口说明见 /docs。" /
        "Correct it and send it again; errors, where given, points at the places, and /docs describes the interface.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED,
        "未登录或登录已失效" / "Not logged in, or the login has ended",
        "请重新登录，并在请求中带上 Authorization: Bearer 令牌。" /
        "Log in again and send the token as Authorization: Bearer.";
    BadCredentials = "bad_credentials", UNAUTHORIZED,
        "登录信息不正确" / "The login is not correct",
        "请核对考点省份、证件类型、证件号码、密码和验证码后重试。" /
        "Check province, ID type, ID number, password and captcha, and try again.";
    Forbidden = "forbidden", FORBIDDEN,
        "没有权限" / "Not permitted",
        "此操作不在当前身份或管理范围之内；请使用相应的账号，或联系上级管理员。" /
        "This is outside the role or scope of your token: use another account, or ask whoever administers the level above.";
    NotEligible = "not_eligible", FORBIDDEN,
        "没有报考资格" / "Not eligible",
        "该科目或校区未对你开放；如有异议，请联系学校相关负责人。" /
        "The subject or campus is not open to you; contact your school if you think it should be.";
    NotFound = "not_found", NOT_FOUND,
        "找不到所请求的内容" / "There is no such thing here",
        "请核对地址和编号；只能查看属于自己的报考信息。" /
        "Check the address and the id; only your own claims can be seen.";
    NoStudentRecord = "no_student_record", NOT_FOUND,
        "没有查到学籍资格信息" / "No student record matches",
        "请核对考点省份和通行证上的姓名、证件；如信息无误，请联系学校确认。" /
        "Check the province and the name and ID of your account; if they are right, contact your school.";
    PoolFull = "pool_full", CONFLICT,
        "考位已满" / "No seat is free",
        "可以提交候补（on_full: waitlist），或者选择其他校区。" /
        "Submit to the waitlist (on_full: waitlist), or choose another campus.";
    PoolClosed = "pool_closed", CONFLICT,
        "该考点科目暂未开放" / "This pool is not open",
        "请等待学校开放；口试可以先提交候补（on_full: waitlist）。" /
        "Wait until the school opens it; for oral subjects you may submit to the waitlist (on_full: waitlist).";
    OutsideWindow = "outside_window", CONFLICT,
        "不在报名时间内" / "Outside the registration window",
        "请在学校和省份通知的报名时间内操作；时间见 /v1/sitting。" /
        "Come back inside the window of your province and school; /v1/sitting shows it.";
    WaitlistClosed = "waitlist_closed", CONFLICT,
        "候补已截止" / "The waitlist is closed",
        "候补已结束；可以选择仍有考位的其他校区。" /
        "Nobody is taken any more; choose another campus that has seats.";
    LevelTaken = "level_taken", CONFLICT,
        "同级别科目仅能报考一科" / "Another claim takes this level",
        "如需更换，请先取消未支付的同级别报考（见 claim）。" /
        "To change, first cancel the unpaid claim of the same level (see claim).";
    RecordTaken = "record_taken", CONFLICT,
        "学籍信息已与其他通行证绑定" / "The student record is bound to another account",
        "请使用原来的通行证登录；如非本人操作，请联系学校。" /
        "Log in with the account that is bound to it; contact your school if that was not you.";
    RecordChanged = "record_changed", CONFLICT,
        "学籍信息已被学校修改" / "The student record was edited meanwhile",
        "请重新查询并核对学籍信息，再用新的 record_version 保存。" /
        "Query and check the record again, then save with its new record_version.";
    AccountExists = "account_exists", CONFLICT,
        "账号已存在" / "The account exists",
        "请直接登录；忘记密码可以用绑定的手机重置。" /
        "Log in; a forgotten password can be reset with the bound phone.";
    AlreadyWaiting = "already_waiting", CONFLICT,
        "已在该考点科目的候补队列中" / "Already in this pool's waitlist",
        "你的候补仍然有效（见 claim），请等待候补结果。" /
        "Your place is kept (see claim): wait for the result.";
    WrittenRequired = "written_required", CONFLICT,
        "须先完成同级别笔试报考" / "The written subject of this level comes first",
        "请先报考同级别的英语笔试并占得考位，再报考口试。" /
        "First get a seat for the written English subject of the same level.";
    NotEnrolled = "not_enrolled", CONFLICT,
        "尚未保存报名信息" / "There is no enrolment",
        "请先核对学籍与资格信息并保存，再继续。" /
        "First check and save the student record (POST /v1/enrolment).";
    ReviewExists = "review_exists", CONFLICT,
        "已提交过资格复核" / "There is a review already",
        "每个通行证只能提交一次资格复核，请等待结果或联系学校。" /
        "Each account has one review: wait for its result, or contact your school.";
    AlreadyPaid = "already_paid", CONFLICT,
        "已支付，不可更改或取消" / "Paid is final",
        "已支付科目不可更改或取消；如遇系统问题请联系学校。" /
        "A paid claim can't be changed or cancelled; contact your school if the system failed you.";
    AlreadyGone = "already_gone", CONFLICT,
        "该报考已不存在" / "The claim is gone already",
        "它已被取消、超时删除或候补结束；如仍需要，请重新报考。" /
        "It was cancelled, expired, removed or lapsed; claim again if you still want a seat.";
    NothingDue = "nothing_due", CONFLICT,
        "没有待支付的科目" / "Nothing is due",
        "请先报考科目，或刷新查看支付状态。" /
        "Claim a subject first, or refresh to see the state of payment.";
    ScoreReportMissing = "score_report_missing", CONFLICT,
        "尚未选择成绩单类型" / "No choice of score report",
        "请先选择纸质或电子成绩单，再支付。" /
        "Choose the form of the score report before paying.";
    WrittenUnpaid = "written_unpaid", CONFLICT,
        "须先支付笔试科目" / "The written subject must be paid first",
        "请先完成同级别笔试科目的缴费。" /
        "Pay the written subject of the same level first.";
    HoldEnding = "hold_ending", CONFLICT,
        "考位保留时间即将结束" / "The hold is about to end",
        "剩余时间不足以完成支付；请在删除后重新报考。" /
        "Too little time is left to pay; claim again after it has ended.";
    PaymentClosed = "payment_closed", CONFLICT,
        "缴费已截止" / "Payment has closed",
        "缴费时间已过，请联系学校。" /
        "The time to pay is over; contact your school.";
    CapacityBelowTaken = "capacity_below_taken", CONFLICT,
        "容量不能低于已占用的考位数" / "The capacity would be less than what is taken",
        "请设为不小于 held 与 paid 之和的数，或用 when_short: drain 逐步收回。" /
        "Set at least held + paid, or use when_short: drain to let released seats vanish.";
    AgreementRequired = "agreement_required", FORBIDDEN,
        "须先接受报名协议与诚信承诺书" / "The agreement has not been accepted",
        "请阅读并接受当前版本（PUT /v1/agreement），再继续。" /
        "Read and accept the version in force (PUT /v1/agreement), then go on.";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE,
        "请求内容过大" / "The body is too large",
        "普通请求不超过 1 MiB；大文件请用导入接口或命令行导入。" /
        "Requests carry at most 1 MiB; larger files go through the imports or the command line.";
    NoMatchingResult = "no_matching_result", UNPROCESSABLE_ENTITY,
        "没有匹配的四级成绩" / "No CET4 result matches",
        "请核对准考证号；2005 年以前的成绩请联系学校代为申请。" /
        "Check the ticket number; for results before 2005 ask your school to apply for you.";
    IdempotencyMismatch = "idempotency_mismatch", UNPROCESSABLE_ENTITY,
        "Idempotency-Key 已用于另一请求" / "The idempotency key came with another request",
        "请为新的请求使用新的 Idempotency-Key。" /
        "Use a new Idempotency-Key for a new request.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS,
        "请求过于频繁" / "Too many requests from this account",
        "请按 retry_after_ms 稍候再试；页面会自动处理。" /
        "Wait for retry_after_ms, then send it again.";
    Internal = "internal", INTERNAL_SERVER_ERROR,
        "系统内部错误" / "A fault of ours",
        "请稍后重试；重复同一请求不会造成重复报考。如持续出现，请提供 request_id。" /
        "Send it again a little later: repeating never claims twice. If it stays, report the request_id.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE,
        "存储暂时不可用" / "The store can't be reached",
        "请稍后重复同一请求，即可得知结果；不会造成重复报考。" /
        "Repeat the same request a little later: it finds what became of it and never claims twice.";
    Queued = "queued", SERVICE_UNAVAILABLE,
        "排队等候中" / "In the queue at the door",
        "请按 admission 中的时间带上 Admission-Ticket 重试，名次会保留。" /
        "Ask again with the Admission-Ticket when it says so; your place is kept.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE,
        "当前访问量过大" / "More is asked than can be served",
        "请按 retry_after_ms 稍候重试；不会造成重复报考。" /
        "Wait for retry_after_ms and send it again: repeating never claims twice.";
    NotLeader = "not_leader", SERVICE_UNAVAILABLE,
        "该节点不再提供服务" / "Another server has taken over",
        "请稍后重试，请求会由新的节点处理。" /
        "Send it again a little later: another server answers it.";
}
