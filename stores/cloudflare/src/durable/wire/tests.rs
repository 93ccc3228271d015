use super::*;

fn requests() -> Vec<Request> {
    let record = || vec![0xFF, 0x4B, 1, 0, 9];
    let change = |key: &str, kind| Change { key: key.to_owned(), kind };
    let check = |key: &str, expect| Check { key: key.to_owned(), expect };
    let range = |after: Option<&str>, content| Range {
        prefix: "user:".to_owned(),
        suffix: ":profile".to_owned(),
        after: after.map(str::to_owned),
        limit: 100,
        max_bytes: 4 << 20,
        content,
    };
    let ttl = Duration::from_millis(1_500);
    vec![
        Request::Get(Vec::new()),
        Request::Get(vec!["user:é".to_owned(), String::new()]),
        Request::Write(vec![
            change("a", ChangeKind::Put(record(), Expiry::Never)),
            change("b", ChangeKind::Update(Vec::new(), Expiry::After(ttl))),
            change("c", ChangeKind::Touch(Expiry::AtLeast(ttl))),
            change("d", ChangeKind::Delete),
        ]),
        Request::Commit(
            vec![
                check("a", Expected::Absent),
                check("b", Expected::Present),
                check("c", Expected::Token(u64::MAX)),
                check("d", Expected::Plain(b"{}".to_vec())),
            ],
            vec![change("a", ChangeKind::Put(record(), Expiry::At(Timestamp::from_millis(7))))],
        ),
        Request::List(range(None, Content::Keys)),
        Request::List(range(Some("user:7:profile"), Content::Heads)),
        Request::List(range(None, Content::Records)),
    ]
}

fn responses() -> Vec<Response> {
    let row = |expires_at| Row { record: b"12".to_vec(), expires_at };
    let failure = |kind| Failure { kind, message: "it is full".to_owned() };
    let mut responses = vec![
        Response::Rows(vec![None, Some(row(None)), Some(row(Some(Timestamp::from_millis(9))))]),
        Response::Done,
        Response::Conflict(3),
        Response::Page(vec![("a".to_owned(), row(None))], Some("b".to_owned())),
        Response::Page(Vec::new(), None),
    ];
    let kinds = [FailureKind::Engine, FailureKind::Full, FailureKind::Quota, FailureKind::Form];
    responses.extend(kinds.map(|kind| Response::Failed(failure(kind))));
    responses
}

#[test]
fn messages_come_back_as_they_were_sent() {
    for request in requests() {
        assert_eq!(Request::from_bytes(&request.to_bytes()).as_ref(), Ok(&request));
    }
    for response in responses() {
        assert_eq!(Response::from_bytes(&response.to_bytes()).as_ref(), Ok(&response));
    }
}

#[test]
fn a_message_that_is_cut_or_goes_on_is_refused() {
    let sent = requests().iter().map(Request::to_bytes).collect::<Vec<_>>();
    for bytes in &sent {
        for end in 0..bytes.len() {
            assert_eq!(Request::from_bytes(&bytes[..end]), Err(Unreadable), "{bytes:?} up to {end}");
        }
        assert_eq!(Request::from_bytes(&[bytes, &[0][..]].concat()), Err(Unreadable));
    }
    for bytes in responses().iter().map(Response::to_bytes) {
        for end in 0..bytes.len() {
            assert_eq!(Response::from_bytes(&bytes[..end]), Err(Unreadable), "{bytes:?} up to {end}");
        }
    }
}

#[test]
fn another_format_or_kind_is_refused_and_a_count_that_lies_reserves_nothing() {
    for bytes in [&[2, 1, 0, 0, 0, 0][..], &[0, 1], &[FORMAT, 0], &[FORMAT, 9], b"<html>"] {
        assert_eq!(Request::from_bytes(bytes), Err(Unreadable));
        assert_eq!(Response::from_bytes(bytes), Err(Unreadable));
    }
    assert_eq!(Request::from_bytes(&[FORMAT, 1, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Unreadable));
}

/// A TTL of a fraction of a millisecond is not cut to none.
#[test]
fn a_ttl_is_rounded_up() {
    let change =
        Change { key: String::new(), kind: ChangeKind::Touch(Expiry::After(Duration::from_nanos(1))) };
    let sent = Request::Write(vec![change]).to_bytes();
    let expected = ChangeKind::Touch(Expiry::After(Duration::from_millis(1)));
    let read = Request::from_bytes(&sent);
    assert_eq!(read, Ok(Request::Write(vec![Change { key: String::new(), kind: expected }])));
}
