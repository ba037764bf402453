internal import Glibc

/// Logarithms of small whole numbers, which weigh pods by the number of domains of a topology.
enum NaturalLogarithm {
    static func of(_ number: Int) -> Double { log(Double(number)) }
}
