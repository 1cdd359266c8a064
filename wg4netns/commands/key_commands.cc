#include "wg4netns/commands/key_commands.h"

#include <sodium/utils.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/io/system_entropy.h"

namespace wg4 {
namespace {

Result<void> print_key(ByteView key) {
  std::string text = encode_base64(key) + "\n";
  const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
  const bool complete = written == static_cast<ssize_t>(text.size());
  sodium_memzero(text.data(), text.size());
  if (!complete) return fail("write the key", errno);
  return {};
}

/// Warns, as wg(8) does, if the key goes to a file that everybody can read.
void warn_if_readable() {
  struct stat info{};
  if (fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IRWXO) != 0)
    log::warning("writing to a file that every user can read: set umask 077 first");
}

Result<void> print_public_key() {
  std::array<char, 128> text{};
  std::size_t used = 0;
  ssize_t got = 0;
  while (used < text.size() && (got = read(STDIN_FILENO, text.data() + used, text.size() - used)) > 0)
    used += static_cast<std::size_t>(got);
  std::string_view word(text.data(), used);
  const std::size_t end = word.find_last_not_of(" \t\r\n");
  word = word.substr(0, end == std::string_view::npos ? 0 : end + 1);

  PrivateKey key;
  const bool decoded = decode_base64(word, key.span());
  sodium_memzero(text.data(), text.size());
  if (!decoded)
    return fail("standard input is not a private key", 0,
                "It takes the 44 characters that 'wireguard4netns genkey' prints");
  return print_key(crypto::derive_public_key(key));
}

Parsed<KeyCommand> parse_nothing_more(KeyCommand command, const std::string& about, const Arguments& arguments) {
  Parser parser(about, arguments);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

}  // namespace

Parsed<KeyCommand> parse_genkey(const Arguments& arguments) {
  return parse_nothing_more(KeyCommand::genkey, "Prints a new private key.", arguments);
}

Parsed<KeyCommand> parse_pubkey(const Arguments& arguments) {
  return parse_nothing_more(KeyCommand::pubkey, "Reads a private key, prints its public key.", arguments);
}

Parsed<KeyCommand> parse_genpsk(const Arguments& arguments) {
  return parse_nothing_more(KeyCommand::genpsk, "Prints a new preshared key.", arguments);
}

Result<void> run_key_command(KeyCommand command) {
  if (command == KeyCommand::pubkey) return print_public_key();
  warn_if_readable();
  Secret<key_size> key;
  SystemEntropy().fill(key.span());
  if (command == KeyCommand::genkey) crypto::clamp(key);
  return print_key(key.span());
}

}  // namespace wg4
