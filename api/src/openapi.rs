//! The router of all operations and, from the same annotations, the OpenAPI 3.1 document.
//!
//! Every status that an operation answers is documented with the problem codes that come with it; `problems!` writes
//! those. A test of the whole server validates each answer against this document.

use std::collections::BTreeMap;

use axum::Router;
use bytes::Bytes;
use http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Schema};
use utoipa_axum::router::OpenApiRouter;

use crate::problem::{Code, FieldProblem, ProblemBody};
use crate::state::App;
use crate::{candidate, provider, public, staff};

/// What is documented beside the operations.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Kaowei 考位",
        description = "The seat allocation engine of exam registration: claims, waitlists, deadlines, payment.\n\n\
            Every error is `application/problem+json` (RFC 9457) with a stable `code`; its `type` is a page that says \
            what happened and what to do. `title` and `detail` follow `Accept-Language` (zh-CN by default, or en). \
            400 is for what can't be parsed, 422 for what is well-formed but wrong, 415 for a body of another type. \
            An address that does not exist is 404 `not_found`, a method that an address does not take is 405 \
            `invalid_request`, both in the same form. Only what HTTP itself can't take has no such form: a request that \
            is none is an empty 400, a head of more than 32 KiB or 100 headers an empty 431, and the connection ends.\n\n\
            Refusals of a claim come in this order, the first that applies is given: authentication, agreement, \
            enrolment, window, eligibility, written claim, level, pool. Those of an order: agreement, enrolment, \
            `payment_closed`, `nothing_due`, `written_unpaid`, `score_report_missing`, `hold_ending`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody<'static>, FieldProblem, crate::views::Claim)),
    tags(
        (name = "public", description = "Without a token."),
        (name = "candidate", description = "With a candidate's token."),
        (name = "provider", description = "Payment providers, whose requests are signed, and the sandbox's cashier."),
        (name = "staff", description = "With a token of staff; what lies outside its scope is 403 `forbidden`.")
    )
)]
struct Document;

/// All operations: the router, and the document.
pub fn routes() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(public::routes())
        .merge(candidate::routes())
        .merge(provider::routes())
        .merge(staff::routes())
        .split_for_parts();
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "`kaowei token` makes tokens with the server's own key. Candidates': `iss`, `sub`, `role: candidate`, \
             `province`, `exp` and, so that the first request makes the account, `id_type`, `id_number`, `name`, \
             `phone`; a login's (`POST /v1/sessions`) has its session, `sid`, instead. Tokens of the outside passport \
             system, if the server has one, are taken by its public keys. Staff's: `role: staff`, `scope` (`national`, `province:99`, `school:99101`); a login's \
             (`POST /v1/staff/sessions`) has its session and names its account, with which it ends.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    (router, document)
}

/// The document as JSON.
///
/// # Errors
/// None in practice: the document always has a JSON form.
pub fn document() -> Result<String, serde_json::Error> {
    routes().1.to_pretty_json()
}

/// The document as the bytes that are served.
///
/// # Errors
/// None in practice: the document always has a JSON form.
pub fn bytes(document: &utoipa::openapi::OpenApi) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(document).map(Bytes::from)
}

/// The documented responses of problems: one for each status, with the codes that come with it.
pub(crate) fn problem_responses(
    problems: &[&[(StatusCode, Code)]],
) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for (status, code) in problems.iter().copied().flatten() {
        let codes = by_status.entry(status.as_u16()).or_default();
        if !codes.contains(code) {
            codes.push(*code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), problem_response(status, &codes).into()))
        .collect()
}

fn problem_response(status: u16, codes: &[Code]) -> utoipa::openapi::Response {
    let lines = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.as_str(), code.title().en));
    let names = codes.iter().map(|code| code.as_str());
    let this = ObjectBuilder::new()
        .property(
            "code",
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(names)),
        )
        .property(
            "status",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .enum_values(Some([status])),
        );
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(this);
    ResponseBuilder::new()
        .description(lines.collect::<Vec<_>>().join(" "))
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Schema::AllOf(schema.build())))
                .build(),
        )
        .build()
}

/// Problems that any request of a kind may get.
pub(crate) mod kinds {
    use http::StatusCode;

    use crate::problem::Code;

    type Kind = &'static [(StatusCode, Code)];

    /// Of everything.
    pub(crate) const EVERY: Kind = &[
        (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
        (StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded),
    ];
    /// Of what asks the engine.
    pub(crate) const ENGINE: Kind = &[
        (StatusCode::SERVICE_UNAVAILABLE, Code::StoreUnavailable),
        (StatusCode::SERVICE_UNAVAILABLE, Code::NotLeader),
    ];
    /// Of what needs a candidate's token.
    pub(crate) const CANDIDATE: Kind = &[
        (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        (StatusCode::FORBIDDEN, Code::Forbidden),
        (StatusCode::TOO_MANY_REQUESTS, Code::RateLimited),
    ];
    /// Of what needs a token of staff.
    pub(crate) const STAFF: Kind = &[
        (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        (StatusCode::FORBIDDEN, Code::Forbidden),
    ];
    /// Of what has a body.
    pub(crate) const BODY: Kind = &[
        (StatusCode::BAD_REQUEST, Code::InvalidRequest),
        (StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidRequest),
        (StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidRequest),
    ];
    /// Of what has parameters.
    pub(crate) const PARAMETERS: Kind = &[
        (StatusCode::BAD_REQUEST, Code::InvalidRequest),
        (StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidRequest),
    ];
}

/// Documents the problems of an operation: kinds of [`kinds`], then codes of its own.
macro_rules! problems {
    ($name:ident: $($kind:ident)* $(; $($code:ident),* $(,)?)?) => {
        /// The problems that this operation may answer with.
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses()
            -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::openapi::problem_responses(&[
                    $crate::openapi::kinds::EVERY,
                    $( $crate::openapi::kinds::$kind, )*
                    $( &[ $( ($crate::problem::Code::$code.status(), $crate::problem::Code::$code), )* ], )?
                ])
            }
        }
    };
}

pub(crate) use problems;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_documents_its_problems_and_every_code_of_them_has_a_page() {
        let (_, document) = routes();
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        let mut operations = 0;
        for (path, item) in json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                operations += 1;
                let responses = operation["responses"].as_object().unwrap();
                assert!(
                    responses.keys().any(|status| status.starts_with('2')),
                    "{method} {path}"
                );
                assert!(responses.contains_key("500"), "{method} {path}");
                assert!(operation["tags"][0].is_string(), "{method} {path}");
                assert!(operation["summary"].is_string(), "{method} {path}");
                // Providers sign what they send; they have no token.
                let needs_token = operation["tags"][0] != "public" && operation["tags"][0] != "provider";
                if needs_token {
                    assert!(responses.contains_key("403"), "{method} {path}");
                }
            }
        }
        assert!(operations >= 30, "{operations}");
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let json = serde_json::to_value(routes().1).unwrap();
        let text = json.to_string();
        for piece in text.split("\"$ref\":\"#").skip(1) {
            let pointer = piece.split('"').next().unwrap();
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
