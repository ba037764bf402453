import Testing
import Wire

@Suite("Times and durations")
struct TimeTests {
    @Test("read RFC 3339 and write it in UTC", arguments: [
        ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ("2026-11-22T20:00:00Z", 1_795_377_600, "2026-11-22T20:00:00Z"),
        ("2024-02-29T23:59:59+01:30", 1_709_245_799, "2024-02-29T22:29:59Z"),
        ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ("2026-11-22T7:00:00.123456789123Z", 1_795_330_800, "2026-11-22T07:00:00Z"),
    ])
    func roundTrip(text: String, seconds: Int, written: String) throws {
        let time = try Timestamp(parsing: text)
        #expect(time.seconds == seconds)
        #expect(time.rfc3339 == written)
    }

    @Test("keep six digits of a MicroTime")
    func micro() throws {
        let time = try Timestamp(parsingMicro: "2026-11-22T20:00:00.000042Z")
        #expect(time.nanoseconds == 42_000)
        #expect(time.rfc3339Micro == "2026-11-22T20:00:00.000042Z")
        #expect(throws: TimestampError.self) { try Timestamp(parsingMicro: "2026-11-22T20:00:00Z") }
    }

    @Test("say what is wrong as Go does", arguments: [
        ("yesterday", #" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#),
        ("", #" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006""#),
        ("2026-1-01", #" as "2006-01-02T15:04:05Z07:00": cannot parse "1-01" as "01""#),
        ("2026-11-22", #" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#),
        ("2026-11-22T20:00:00", #" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00""#),
        ("2026-13-22T20:00:00Z", ": month out of range"),
        ("2026-02-30T20:00:00Z", ": day out of range"),
        ("2026-02-20T24:00:00Z", ": hour out of range"),
        ("2026-02-20T20:00:00Zx", #": extra text: "x""#),
    ])
    func refused(text: String, reason: String) {
        #expect(throws: TimestampError(description: "parsing time \"\(text)\"\(reason)")) {
            try Timestamp(parsing: text)
        }
    }

    @Test("cross seconds when added")
    func arithmetic() {
        let time = Timestamp(seconds: 10, nanoseconds: 900_000_000) + .milliseconds(200)
        #expect(time == Timestamp(seconds: 11, nanoseconds: 100_000_000))
        #expect(time - .milliseconds(1200) == Timestamp(seconds: 9, nanoseconds: 900_000_000))
        #expect(time - Timestamp(seconds: 1) == .milliseconds(10_100))
    }

    @Test("write durations as Go does", arguments: [
        ("1h2m3s", "1h2m3s"), ("0", "0s"), ("90s", "1m30s"), ("1.5h", "1h30m0s"),
        ("100ms", "100ms"), ("1500us", "1.5ms"), ("1500µs", "1.5ms"),
        ("-2ns", "-2ns"), ("3600s", "1h0m0s"),
        (".5s", "500ms"), ("1.000000001s", "1.000000001s"),
        ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
    ])
    func durations(text: String, written: String) throws {
        #expect(try GoDuration(parsing: text).text == written)
    }

    @Test("say what is wrong with a duration as Go does", arguments: [
        ("", "time: invalid duration \"\""), ("1", "time: missing unit in duration \"1\""),
        ("1x", "time: unknown unit \"x\" in duration \"1x\""),
        ("s", "time: invalid duration \"s\""),
        ("9999999h", "time: invalid duration \"9999999h\""),
        ("99999999999999999999s", "time: invalid duration \"99999999999999999999s\""),
    ])
    func refusedDurations(text: String, reason: String) {
        #expect(throws: GoDurationError(description: reason)) { try GoDuration(parsing: text) }
    }

    @Test("scale a percentage up or down, and leave a number")
    func percentages() throws {
        #expect(try IntOrString.string("25%").scaled(to: 10, roundingUp: true) == 3)
        #expect(try IntOrString.string("25%").scaled(to: 10, roundingUp: false) == 2)
        #expect(try IntOrString.int(4).scaled(to: 10, roundingUp: true) == 4)
        #expect(throws: IntOrStringError.self) {
            try IntOrString.string("http").scaled(to: 10, roundingUp: true)
        }
    }
}
