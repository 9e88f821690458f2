#pragma once

/// The tables in which rooms are kept, and how older ones become these.
///
///     rooms     one row a room: where its log stands, and a checksum (stored_room.hpp); NULL where version 1 or 2 stored it
///     messages  by room and sequence: what a record's body was, when it was appended (milliseconds since 1970), and their
///               checksum (stored_message.hpp); NULL where version 1 stored it
///     ids       by room and sequence: the ids in the deduplication window
///     clock     one row: the time that was believed last (retention_clock.hpp), milliseconds since 1970; not in version 1
///
/// messages is a table with an index, and not WITHOUT ROWID: there a body is part of the key's cell, and looking for a place
/// beside one of more than 1,002 bytes reads it whole (sqlite.org/withoutrowid.html, 4; fileformat2.html, 1.6). A message of
/// 64 KiB then had every message stored beside it read that many bytes, several times. Files that earlier programs made
/// have it so and keep it: columns and statements are the same.
///
/// Why        a file outlives the program that wrote it: it says whose it is and which version of the tables it has.
/// Threads    one at a time.
/// Errors     statuses whose words name the file's fault, DATA_LOSS where tables or columns are missing; nothing is changed
///            then.

#include <cstddef>
#include <string_view>

#include <switchboard/rooms/sqlite/database.hpp>

namespace switchboard::rooms::sqlite {

/// "SWBD": what SQLite's header has for the application.
inline constexpr int application_id = 0x53574244;

/// The version that this program writes, and the first ones with checksums of messages, and of rooms.
inline constexpr std::size_t newest_version = 3;
inline constexpr std::size_t checksum_version = 2;
inline constexpr std::size_t room_checksum_version = 3;

/// Refuses the database of another application; an empty one may become this one's.
rpc::status refuse_foreign(database& rooms);
/// The same of a file's first bytes, without SQLite, which may write to a database that it only reads. What the write-ahead
/// log may still say otherwise passes. All of a file that is shorter than `header_bytes`; none: an empty file.
rpc::status refuse_foreign(std::string_view first_bytes);
inline constexpr std::size_t header_bytes = 105;
/// Takes the database to the newest version, all or none.
rpc::status migrate(database& rooms);
/// The version of a database of this application, up to the newest.
rpc::result<std::size_t> version_of(database& rooms);
/// Whether it has the tables and columns of that version.
rpc::status find_tables(database& rooms, std::size_t version);
/// Whether it is of this application, of the newest version, and has its tables.
rpc::status recognise(database& rooms);

}  // namespace switchboard::rooms::sqlite
