use super::*;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// What the server does with one request.
enum Answer {
    /// The file from the range on, at most so many bytes of it.
    Serve(usize),
    /// The whole file whatever the range is.
    Whole,
    /// A body without an end that is known.
    Endless,
    /// A status without a body.
    Status(&'static str),
}

/// A server on this machine that answers one request after another; it reports the `Range` of each.
fn server(file: Vec<u8>, answers: Vec<Answer>) -> (String, Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/data/set.tar.gz", listener.local_addr().unwrap());
    let (sender, ranges) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = request.take_while(|line| !line.is_empty()).collect();
            let range = head.iter().find_map(|line| Some(line.to_lowercase().strip_prefix("range: ")?.to_owned()));
            let start = range.as_ref().map(|range| range["bytes=".len()..range.len() - 1].parse::<usize>().unwrap());
            sender.send(range).unwrap();
            let total = file.len();
            let (head, body) = match (answer, start) {
                (Answer::Status(status), _) => (format!("{status}\r\nContent-Length: 0"), &[][..]),
                (Answer::Serve(_), Some(start)) if start >= total => {
                    let head =
                        format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0");
                    (head, &[][..])
                }
                (Answer::Serve(most), Some(start)) => {
                    let range = format!("bytes {start}-{}/{total}", total - 1);
                    let head =
                        format!("206 Partial Content\r\nContent-Range: {range}\r\nContent-Length: {}", total - start);
                    (head, &file[start..total.min(start.saturating_add(most))])
                }
                (Answer::Serve(most), None) => (format!("200 OK\r\nContent-Length: {total}"), &file[..total.min(most)]),
                (Answer::Endless, _) => ("200 OK".to_owned(), &file[..]),
                (Answer::Whole, _) => (format!("200 OK\r\nContent-Length: {total}"), &file[..]),
            };
            write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").unwrap();
            let _ = stream.write_all(body);
        }
    });
    (url, ranges)
}

/// A packed folder `set` with one file that does not shrink when packed.
fn packed() -> Vec<u8> {
    let content: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none()));
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "set/a.bin", &content[..]).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

fn archive(url: String, file: &[u8]) -> Archive {
    Archive { url, md5: hex(&Md5::digest(file)), folder: "set".into(), max_bytes: 1 << 20 }
}

fn client() -> Client {
    Client::new(Duration::ZERO, false)
}

fn ignore(_: Progress) {}

#[test]
fn an_archive_is_fetched_checked_and_unpacked() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let (url, _ranges) = server(file.clone(), vec![Answer::Serve(usize::MAX)]);
    let mut seen = Vec::new();
    let folder = fetch_with(&client(), &archive(url, &file), dir.path(), &mut |p| seen.push(p)).unwrap();
    assert_eq!(std::fs::metadata(folder.join("a.bin")).unwrap().len(), 200_000);
    let total = Some(file.len() as u64);
    assert_eq!(seen.first(), Some(&Progress { done: 0, total }));
    assert_eq!(seen.last(), Some(&Progress { done: file.len() as u64, total }));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing but the folder is left");
    // Once more, with nobody to ask.
    let gone = Archive { url: "http://127.0.0.1:9/x".into(), ..archive(String::new(), &file) };
    assert_eq!(fetch_with(&client(), &gone, dir.path(), &mut ignore).unwrap(), folder);
}

#[test]
fn a_broken_transfer_goes_on_where_it_ended() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let answers =
        vec![Answer::Serve(70_000), Answer::Status("503 Busy"), Answer::Serve(70_000), Answer::Serve(usize::MAX)];
    let (url, ranges) = server(file.clone(), answers);
    fetch_with(&client(), &archive(url, &file), dir.path(), &mut ignore).unwrap();
    let ranges: Vec<_> = ranges.iter().map(Option::unwrap_or_default).collect();
    assert_eq!(ranges, ["", "bytes=70000-", "bytes=70000-", "bytes=140000-"]);
}

#[test]
fn the_next_call_goes_on_too() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let mut answers = vec![Answer::Serve(1000)];
    answers.extend((0..4).map(|_| Answer::Serve(0)));
    answers.push(Answer::Serve(usize::MAX));
    let (url, ranges) = server(file.clone(), answers);
    let archive = archive(url, &file);
    let error = fetch_with(&client(), &archive, dir.path(), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }) && error.to_string().contains("after 1000 of"), "{error}");
    assert!(!dir.path().join("set").exists());
    fetch_with(&client(), &archive, dir.path(), &mut ignore).unwrap();
    assert_eq!(ranges.iter().last().unwrap().unwrap(), "bytes=1000-");
}

#[test]
fn a_server_without_ranges_starts_anew_and_a_complete_file_is_not_fetched_again() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let part = dir.path().join("set.tar.gz.part");
    std::fs::write(&part, &file[..500]).unwrap();
    let (url, _ranges) = server(file.clone(), vec![Answer::Whole]);
    fetch_with(&client(), &archive(url, &file), dir.path(), &mut ignore).unwrap();
    std::fs::remove_dir_all(dir.path().join("set")).unwrap();
    std::fs::write(&part, &file).unwrap();
    let (url, _ranges) = server(file.clone(), vec![Answer::Serve(usize::MAX)]);
    fetch_with(&client(), &archive(url, &file), dir.path(), &mut ignore).unwrap();
    // Longer than the archive: rubbish, so from the beginning.
    std::fs::remove_dir_all(dir.path().join("set")).unwrap();
    std::fs::write(&part, vec![0; file.len() + 5]).unwrap();
    let (url, _ranges) = server(file.clone(), vec![Answer::Serve(usize::MAX), Answer::Serve(usize::MAX)]);
    fetch_with(&client(), &archive(url, &file), dir.path(), &mut ignore).unwrap();
}

#[test]
fn a_wrong_checksum_is_an_error_and_leaves_nothing() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let (url, _ranges) = server(file.clone(), vec![Answer::Serve(usize::MAX)]);
    let wrong = Archive { md5: "0".repeat(32), ..archive(url, &file) };
    let error = fetch_with(&client(), &wrong, dir.path(), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }) && error.to_string().contains("MD5"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn refusals_and_no_network_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (url, _ranges) = server(vec![], vec![Answer::Status("404 Not Found")]);
    // A folder that was made for it goes again, one that was there stays.
    let error = fetch_with(&client(), &archive(url, &[]), dir.path(), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }) && error.to_string().contains("status 404"), "{error}");
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let offline = archive(format!("http://127.0.0.1:{port}/set.tar.gz"), &[]);
    let new = dir.path().join("new");
    let error = fetch_with(&client(), &offline, &new, &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }), "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!new.exists() && dir.path().exists());
}

#[test]
fn a_second_process_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let lock = File::create(dir.path().join("set.tar.gz.part")).unwrap();
    lock.lock().unwrap();
    let archive = archive("http://127.0.0.1:9/set.tar.gz".into(), &[]);
    let error = fetch_with(&client(), &archive, dir.path(), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }) && error.to_string().contains("another process"), "{error}");
}

#[test]
fn an_archive_of_something_else_is_an_error() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let (url, _ranges) = server(file.clone(), vec![Answer::Serve(usize::MAX)]);
    let other = Archive { folder: "other".into(), ..archive(url, &file) };
    let error = fetch_with(&client(), &other, dir.path(), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }) && error.to_string().contains("no folder `other`"), "{error}");
    assert!(!dir.path().join("other.unpacking").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    let error = fetch_with(&client(), &Archive::cifar10(), &dir.path().join("file/data"), &mut ignore).unwrap_err();
    assert!(matches!(error, DataError::File { .. }) && error.to_string().contains("file/data"), "{error}");
}

#[test]
fn a_server_that_sends_too_much_is_left() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    for (answer, most) in [(Answer::Whole, file.len() as u64 - 1), (Answer::Endless, 1 << 16)] {
        let (url, _ranges) = server(file.clone(), vec![answer]);
        let archive = Archive { max_bytes: most, ..archive(url, &file) };
        let error = fetch_with(&client(), &archive, dir.path(), &mut ignore).unwrap_err().to_string();
        assert!(error.contains(&format!("the archive has at most {most}")), "{error}");
        assert!(!dir.path().join("set.tar.gz.part").exists(), "nothing wrong is gone on with");
    }
}

#[test]
fn https_is_not_left_for_less() {
    let (dir, file) = (tempfile::tempdir().unwrap(), packed());
    let (url, _ranges) = server(file.clone(), vec![Answer::Whole]);
    let error = fetch_with(&Client::new(Duration::ZERO, true), &archive(url, &file), dir.path(), &mut ignore);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("https") && !dir.path().join("set").exists(), "{error}");
}
