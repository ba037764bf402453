import Testing
import Wire

@Suite("Quantities")
struct QuantityTests {
    static let canonical: [(String, String)] = [
        ("0", "0"), ("0Ki", "0"), ("0.0", "0"), (".", "0"), ("-", "0"),
        ("1", "1"), ("1000m", "1"), ("0.5", "500m"), (".5", "500m"), ("1.5", "1500m"),
        ("1Gi", "1Gi"), ("1024Ki", "1Mi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"),
        ("1000Mi", "1000Mi"), ("4Pi", "4Pi"), ("100.035Ki", "102435840m"), ("1024", "1024"),
        ("1e3", "1e3"), ("1E3", "1E3"), ("1e1", "10"), ("12e-1", "1200e-3"), ("1e14", "100e12"),
        ("1000", "1k"), ("1000k", "1M"), ("12E", "12E"), ("1000E", "1000E"), ("-2000", "-2k"),
        ("3.001n", "4n"), ("0.0000000001", "1n"), ("-0.1n", "-1n"), ("1e-30", "1e-9"),
        ("0.000000000001Ki", "2n"), ("0.00000012345", "124n"),
        ("9Ei", "9223372036854775807"), ("-9Ei", "-9223372036854775807"), ("3Ei", "3Ei"),
        ("9223372036854775807Ki", "9223372036854775807"), ("10.0350M", "10035k"),
        (".001Ki", "1024m"), ("1000M", "1G"),
        ("100000000000000000000", "100E"), ("1e100", "10e99"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890500m"),
        // Close enough to canonical for Kubernetes to keep as they are.
        ("+5", "+5"), ("007", "007"), ("1.500", "1.500"), ("7.123456M", "7.123456M"),
        ("1.G", "1.G"),
    ]

    @Test("have one canonical form", arguments: canonical)
    func canonicalForm(text: String, expected: String) throws {
        let quantity = try Quantity(parsing: text)
        #expect(quantity.text == expected)
        #expect(try Quantity(parsing: quantity.text) == quantity)
    }

    @Test("say what is wrong with other text", arguments: [
        ("", QuantityError.format), ("abc", .format), ("1 ", .format), ("1Gib", .format),
        ("1.2.3", .format), ("1kk", .suffix), ("1e", .suffix), ("1e+", .suffix), ("1m5", .suffix),
        ("1i", .suffix), ("1e99999999999999999999", .suffix), ("1e-9223372036854775808", .suffix),
    ])
    func refused(text: String, expected: QuantityError) {
        #expect(throws: expected) { try Quantity(parsing: text) }
    }

    @Test("round up to whole units and to thousandths, within 64 bits")
    func rounding() throws {
        #expect(try Quantity(parsing: "1001m").units == 2)
        #expect(try Quantity(parsing: "-1001m").units == -2)
        #expect(try Quantity(parsing: "1u").milliunits == 1)
        #expect(try Quantity(parsing: "2Gi").units == 2_147_483_648)
        #expect(try Quantity(parsing: "250m").milliunits == 250)
        #expect(try Quantity(parsing: "12E").units == .max)
        #expect(try Quantity(parsing: "-12E").units == .min)
        #expect(Quantity.zero.units == 0)
    }

    @Test("are compared by what they are worth", arguments: [
        ("100m", "50m", 1), ("50m", "100m", -1), ("10000T", "100Gi", 1), ("1Ki", "1024", 0),
        ("-1", "1", -1), ("-1e40", "-1n", -1), ("1e40", "1n", 1), ("0", "0Ki", 0),
    ])
    func order(a: String, b: String, expected: Int) throws {
        #expect(try Quantity(parsing: a).compare(Quantity(parsing: b)) == expected)
    }

    @Test("keep their format in sums", arguments: [
        ("1Gi", "512Mi", "1536Mi"), ("0", "1Gi", "1Gi"), ("100m", "900m", "1"), ("1Gi", "0", "1Gi"),
        ("1e3", "1", "1001"), ("1", "1Ki", "1025"), ("1e60", "1e60", "2e60"),
    ])
    func sum(a: String, b: String, expected: String) throws {
        #expect(try (Quantity(parsing: a) + Quantity(parsing: b)).text == expected)
    }

    @Test("keep their format in differences")
    func difference() throws {
        #expect(try (Quantity(parsing: "1Gi") - Quantity(parsing: "512Mi")).text == "512Mi")
        #expect(try (Quantity(parsing: "0") - Quantity(parsing: "1Gi")).text == "-1Gi")
    }

    @Test("never trap, whatever the digits", arguments: [200, 3000])
    func long(digits: Int) throws {
        let nines = String(repeating: "9", count: digits)
        let texts = ["", "0.", "-1.", "-\(nines)."].flatMap { front in
            ["", "Ei", "E", "n"].map { "\(front)\(nines)\($0)" }
        }
        for text in texts {
            let quantity = try Quantity(parsing: text)
            #expect(try Quantity(parsing: quantity.text).compare(quantity) == 0)
            _ = (quantity + quantity).text
        }
    }
}
