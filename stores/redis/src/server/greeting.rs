//! How a connection begins over RESP2.
//!
//! These commands are sent one by one, before calls share the connection. A server that has no room
//! for a client answers before it was asked and closes the connection. A shared connection drops
//! such an answer, and the `redis` crate reports every refusal of `AUTH` as a wrong password.

use std::io;

use redis::{Cmd, RedisError, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::login::Login;

/// The longest line that is read. Answers to these commands are far shorter.
const LONGEST_LINE: usize = 4_096;

/// Shows user and password, or finds out whether none are needed, and selects the database.
pub(super) async fn greet_by_resp2<S>(stream: &mut S, login: &Login) -> Result<(), RedisError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match login.auth() {
        None => ask(stream, &redis::cmd("PING")).await?,
        Some(auth) => match (ask(stream, &auth).await, login.auth_without_user()) {
            (Err(error), Some(auth)) if login.user.is_some() && knows_no_users(&error) => {
                ask(stream, &auth).await?;
            }
            (asked, _) => asked?,
        },
    }
    match login.select() {
        Some(select) => ask(stream, &select).await,
        None => Ok(()),
    }
}

fn knows_no_users(error: &RedisError) -> bool {
    error.detail().is_some_and(|said| said.contains("wrong number of arguments"))
}

/// Sends a command whose answer is one line.
async fn ask<S>(stream: &mut S, command: &Cmd) -> Result<(), RedisError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The server may have refused the connection and closed it. What it said can be read all the
    // same.
    let sent = send(stream, command).await;
    let line = match (line(stream).await, sent) {
        (Ok(line), _) => line,
        (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error.into()),
    };
    redis::parse_redis_value(&line).and_then(Value::extract_error).map(drop)
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), command: &Cmd) -> io::Result<()> {
    stream.write_all(&command.get_packed_command()).await?;
    stream.flush().await
}

/// Reads a line byte by byte, so that nothing behind it is taken from who reads next.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") && line.len() < LONGEST_LINE {
        line.push(stream.read_u8().await?);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::error::code;

    /// A server that has these answers, one for each command, and what it was asked.
    async fn answers(mut stream: DuplexStream, answers: &[&str]) -> io::Result<String> {
        let mut asked = Vec::new();
        for answer in answers {
            while stream.read_buf(&mut asked).await? > 0 && !is_whole(&asked) {}
            stream.write_all(answer.as_bytes()).await?;
        }
        Ok(String::from_utf8_lossy(&asked).into_owned())
    }

    /// Whether these are whole commands: a line with the number of words, and two lines for each word.
    fn is_whole(commands: &[u8]) -> bool {
        let commands = String::from_utf8_lossy(commands);
        let mut lines = commands.split_inclusive("\r\n");
        while let Some(line) = lines.next() {
            let words = line.trim_end().strip_prefix('*').and_then(|words| words.parse::<usize>().ok());
            let last = words.and_then(|words| lines.nth(2 * words - 1));
            if !last.is_some_and(|last| last.ends_with("\r\n")) {
                return false;
            }
        }
        true
    }

    fn login() -> Login {
        Login {
            user: Some("ada".to_owned()),
            password: Some("s3cret".to_owned()),
            database: 3,
            protocol: None,
        }
    }

    #[tokio::test]
    async fn a_proxy_without_users_gets_the_password_alone() -> Result<(), RedisError> {
        let ((mut ours, theirs), login) = (duplex(1_024), login());
        let all = ["-ERR wrong number of arguments for 'auth' command\r\n", "+OK\r\n", "+OK\r\n"];
        let (greeted, asked) = tokio::join!(greet_by_resp2(&mut ours, &login), answers(theirs, &all));
        greeted?;
        let commands = "*3\r\n$4\r\nAUTH\r\n$3\r\nada\r\n$6\r\ns3cret\r\n*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
        assert_eq!(asked?, commands);
        Ok(())
    }

    /// The server closes the connection before it was asked.
    #[tokio::test]
    async fn what_a_server_says_before_it_closes_is_read() -> io::Result<()> {
        for login in [login(), Login::default()] {
            let (mut ours, mut theirs) = duplex(1_024);
            theirs.write_all(b"-LOADING the data\r\n").await?;
            drop(theirs);
            let refused = greet_by_resp2(&mut ours, &login).await;
            assert_eq!(refused.err().and_then(|error| code(&error)).as_deref(), Some("LOADING"));
        }
        Ok(())
    }

    #[tokio::test]
    async fn nothing_behind_the_answers_is_taken() -> io::Result<()> {
        let (mut ours, mut theirs) = duplex(1_024);
        theirs.write_all(b"+OK\r\n+OK\r\nrest").await?;
        assert!(greet_by_resp2(&mut ours, &login()).await.is_ok());
        let mut rest = [0; 4];
        ours.read_exact(&mut rest).await?;
        assert_eq!(&rest, b"rest");
        // A line without an end is no answer.
        let (mut ours, mut theirs) = duplex(2 * LONGEST_LINE);
        theirs.write_all(&[b'x'; 2 * LONGEST_LINE]).await?;
        assert!(greet_by_resp2(&mut ours, &login()).await.is_err());
        Ok(())
    }
}
