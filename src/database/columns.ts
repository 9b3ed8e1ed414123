import { Column, ForeignKey, PrimaryColumn, type ColumnOptions } from 'typeorm'

// The few kinds of column that the tables of sql/ are made of. Everything that is compared exactly is ascii_bin.
const exact = { charset: 'ascii', collation: 'ascii_bin' } as const

type Nullable = { nullable?: boolean }

export const Id = (): PropertyDecorator => PrimaryColumn({ type: 'char', length: 36, ...exact })

/** A primary key, or a part of one, that is not a UUID. */
export const Key = (length: number): PropertyDecorator => PrimaryColumn({ type: 'varchar', length, ...exact })

export const Reference = (options: Nullable = {}): PropertyDecorator =>
  Column({ type: 'char', length: 36, ...exact, ...options })

/** A column that refers to `table`.id and whose row goes with it. `name` is the constraint's. */
export const BelongsTo = (table: string, name: string): PropertyDecorator => both(Reference(), owned(table, name))

/** A column that may refer to `table`.id, and is empty when that row goes. */
export const RefersTo = (table: string, name: string): PropertyDecorator =>
  both(Reference({ nullable: true }), ForeignKey(table, { name, onDelete: 'SET NULL' }))

/** As BelongsTo, where the reference is the primary key, or a part of it. */
export const KeyOf = (table: string, name: string): PropertyDecorator => both(Id(), owned(table, name))

/** Letters, digits and signs of ASCII, compared to the letter: a user name, a domain, a status. */
export const Exact = (length: number, options: ColumnOptions = {}): PropertyDecorator =>
  Column({ type: 'varchar', length, ...exact, ...options })

/** The same with a fixed length. */
export const Fixed = (length: number, options: ColumnOptions = {}): PropertyDecorator =>
  Column({ type: 'char', length, ...exact, ...options })

/** What people write: any language. */
export const Text = (length: number): PropertyDecorator => Column({ type: 'varchar', length })

/** Any character, compared to the letter: what a device writes. */
export const Raw = (length: number): PropertyDecorator =>
  Column({ type: 'varchar', length, charset: 'utf8mb4', collation: 'utf8mb4_bin' })

/**
 * A text as a parameter of SQL. The driver escapes character by character, at 0.4 µs for each quote (measured: 1 s for
 * 2.5 MB of JSON); what it is given as bytes it writes in hex, for which a text column takes it as well.
 */
export function longText(text: string): string | Buffer {
  return text.length > 4_096 ? Buffer.from(text) : text
}

const stored = (value: unknown) => (value === null ? null : longText(JSON.stringify(value)))

/** JSON in a text column: MariaDB's JSON type is another one than MySQL's, and nothing searches in it. */
export const Json = (type: 'text' | 'mediumtext', options: Nullable = {}): PropertyDecorator =>
  Column({
    type,
    ...options,
    transformer: { to: stored, from: JSON.parse },
  })

export const Flag = (): PropertyDecorator =>
  Column({
    ...{ type: 'tinyint', unsigned: true, default: 0 },
    transformer: { to: (value: boolean) => (value ? 1 : 0), from: Boolean },
  })

export const Count = (options: ColumnOptions = {}): PropertyDecorator =>
  Column({ type: 'int', unsigned: true, ...options })

/** RFC 3339 in UTC with microseconds: a string, because a Date loses them (see openDatabase). */
export const Time = (options: Nullable = {}): PropertyDecorator =>
  Column({ type: 'datetime', precision: 6, ...options })

function owned(table: string, name: string): PropertyDecorator {
  return ForeignKey(table, { name, onDelete: 'CASCADE' })
}

function both(first: PropertyDecorator, second: PropertyDecorator): PropertyDecorator {
  return (target, property) => {
    first(target, property)
    second(target, property)
  }
}
