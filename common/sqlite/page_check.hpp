// A checksum in every page of a database file, written with the page and verified by each read: bit
// rot in a fact, an index or the file's structure becomes SQLITE_IOERR_DATA instead of another
// fact. SQLite itself has none.
//
// The checksum takes the last kPageCheckBytes of a page, which SQLite leaves free when it is asked
// to (SQLITE_FCNTL_RESERVE_BYTES): the first bytes of the tagged SHA-256 of page number and page.
// Pages in the write-ahead log have SQLite's own checksums and get this one when a checkpoint moves
// them into the file. A checkpoint by another program does not know of it.
#pragma once

namespace covenant::sqlite {

inline constexpr int kPageBytes = 4096;
inline constexpr int kPageCheckBytes = 8;

// The name of the VFS that does it, registered with the first call.
const char* checked_vfs();

}  // namespace covenant::sqlite
