// Package parquet reads and writes tables as Parquet files, with the contract of package table. It stands apart because
// Arrow's Parquet links gRPC, which nothing else here needs.
//
// Flat columns of integers, floats, booleans, text and days are read; decimals, INT96, raw binary and nested columns
// are refused with the column named, unless a declared schema leaves them out. One page per column and one batch are in
// memory at a time, whatever the size of a row group.
package parquet
