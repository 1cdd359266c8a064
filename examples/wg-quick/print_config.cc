// Says what a wg-quick file means, by the parser alone:
//
//   $ print_config vpn.conf
//   address  10.0.0.2/32
//   peer     cHVi...MDE=  vpn.example.com:51820  0.0.0.0/0
//
// A file that is wrong is an error with the number of the line, and status 1.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "shared/base/hex_base64.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/config/wg_config.h"
#include "shared/net/prefix.h"

namespace {

using wg4::PeerConfig;
using wg4::Prefix;
using wg4::Result;
using wg4::SecretText;
using wg4::WgConfig;

/// The text has keys in it, so it is kept in memory that is wiped.
Result<SecretText> read_file(const char* path) {
  constexpr std::size_t step = 4096;
  std::ifstream file(path, std::ios::binary);
  if (!file) return wg4::fail("open", errno);
  SecretText text;
  while (file) {
    file.read(text.room(step).data(), step);
    text.added(static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return wg4::fail("read", errno);
  return text;
}

void print_peer(const PeerConfig& peer) {
  std::cout << "peer     " << wg4::encode_base64(peer.public_key) << "  "
            << (peer.endpoint ? to_string(*peer.endpoint) : "(calls us)");
  for (const Prefix& prefix : peer.allowed_ips) std::cout << "  " << prefix.to_string();
  std::cout << '\n';
}

Result<void> print_config(const char* path) {
  const SecretText text = TRY(read_file(path));
  // A port may be the name of a service; a second argument would be the function that looks such names up.
  const WgConfig config = TRY(WgConfig::parse(text.view()));
  for (const Prefix& address : config.addresses) std::cout << "address  " << address.to_string() << '\n';
  for (const PeerConfig& peer : config.peers) print_peer(peer);
  for (const std::string& warning : config.warnings) std::cerr << path << ": warning: " << warning << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: print_config FILE\n";
    return EXIT_FAILURE;
  }
  const auto done = print_config(argv[1]);
  if (done) return EXIT_SUCCESS;
  std::cerr << argv[1] << ": " << done.error().message() << '\n';
  return EXIT_FAILURE;
}
