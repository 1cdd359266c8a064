// Intel's multi-buffer crypto library for IPsec (libipsec-mb), where it is installed: loaded at run time, never linked.
//
// Theory. The library is assembly for AVX2 and AVX-512 among others, for one of which a manager is set up. The choice
// is made here, because the library's own does not check whether Linux saves the registers. In spite of the library's
// name, a job of this cipher is processed alone and is done when its submission returns: so this is the backend for
// single packets, while the lane kernels (lanes/kernel.h) handle many packets at once. A job takes its packet in one
// piece.
//
// Small packets of whole 16-byte blocks (senders pad to these) are handled by a manager for SSE, which makes the key
// stream and the one-time key in one pass of four blocks. On a Zen 3, ns a packet (seal), SSE and AVX2: 64 B 252 and
// 355, 128 B 335 and 388, 192 B 367 and 442; but 224 B 520 and 460. Besides, it does not wake the wide vector units of
// the CPU: see aead_lanes.cc.
//
// Compatibility. The layout of jobs and managers is the header's and may change with each minor version, while the file
// name of the library has only the major one: so a library of another minor version than the header's is not used. Up
// to version 1.4, code for AVX2 reads 16 bytes beyond the key: it gets a copy with room behind it. Up to 2.0.2, code
// for SSE reads beyond packets whose size is no multiple of 16 bytes: it does not get those.
//
// Constant time. ChaCha20 is additions, rotations and exclusive ors; Poly1305 is 64-bit or IFMA multiplications and
// reductions by masks: in the library's code, too, branches and addresses depend on lengths alone. It only computes
// tags. They are compared here, in constant time, before the plaintext is used.
//
// Secrets. A job has the addresses of key, nonce and tag, not their bytes, and a job of this cipher never enters the
// manager's queues: so the manager holds nothing to wipe, which a test shows. Key stream and powers of r are in vector
// registers, which a build with SAFE_DATA clears, and in the frames of the library's functions, which it clears in
// part: other builds are not used, and the stack below is wiped once per batch.

#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <link.h>
#include <sodium/crypto_verify_16.h>
#include <sodium/utils.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::crypto {
namespace {

/// Bytes of stack that a batch may take: a test enforces this.
constexpr std::size_t batch_stack = std::size_t{6} * 1024;

/// Longest packet that the manager for SSE takes, bytes: with the one-time key, four blocks.
constexpr std::size_t narrow_packet = 192;

using Nonce = std::array<std::uint8_t, 12>;
using RoomyKey = std::array<std::uint8_t, 2 * AeadKey::size()>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  store_le(nonce.data() + 4, counter);
  return nonce;
}

/// The functions that are called by name; the others are called through the manager.
struct Library {
  decltype(&::imb_get_version) version = nullptr;
  decltype(&::alloc_mb_mgr) allocate = nullptr;
  decltype(&::free_mb_mgr) free = nullptr;
  decltype(&::init_mb_mgr_sse) init_sse = nullptr;
  decltype(&::init_mb_mgr_avx2) init_avx2 = nullptr;
  decltype(&::init_mb_mgr_avx512) init_avx512 = nullptr;

  static Library load();
  [[nodiscard]] bool usable() const {
    return version != nullptr && allocate != nullptr && free != nullptr && init_sse != nullptr &&
           init_avx2 != nullptr && init_avx512 != nullptr && version() >> 8U == IMB_VERSION_NUM >> 8U;
  }
};

/// The handle is never closed: managers call into the library as long as the program runs.
Library Library::load() {
  const std::string name = "libIPSec_MB.so." + std::to_string(IMB_VERSION_NUM >> 16U);
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return {};
  const auto find = [handle](const char* symbol, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, symbol));
  };
  Library library;
  find("imb_get_version", library.version);
  find("alloc_mb_mgr", library.allocate);
  find("free_mb_mgr", library.free);
  find("init_mb_mgr_sse", library.init_sse);
  find("init_mb_mgr_avx2", library.init_avx2);
  find("init_mb_mgr_avx512", library.init_avx512);
  return library;
}

/// Loaded at the first call.
const Library& library() {
  static const Library loaded = Library::load();
  return loaded;
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes") &&
         __builtin_cpu_supports("pclmul");
}
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

struct Free {
  void operator()(IMB_MGR* manager) const { library().free(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, Free>;

/// Initialising runs the library's self-test of all its ciphers, megabytes of code: this gives back the pages that
/// nothing wrote to. Pages in use are loaded again, from the page cache.
void give_back_pages() {
  const auto look_at = [](dl_phdr_info* object, std::size_t /*size*/, void* /*data*/) {
    if (std::string_view(object->dlpi_name).find("libIPSec_MB.so") == std::string_view::npos) return 0;
    for (const ElfW(Phdr) & segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
      const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
      const std::uintptr_t into_page = begin % segment.p_align;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the dynamic linker gives addresses as numbers
      madvise(reinterpret_cast<void*>(begin - into_page), segment.p_memsz + into_page, MADV_DONTNEED);
    }
    return 1;
  };
  dl_iterate_phdr(look_at, nullptr);
}

/// Null when the library refuses.
Manager make_manager(decltype(&::init_mb_mgr_avx2) init) {
  Manager manager(library().allocate(0));
  if (!manager) return nullptr;
  init(manager.get());
  give_back_pages();
  const bool works = manager->imb_errno == 0 && (manager->features & IMB_FEATURE_SAFE_DATA) != 0;
  return works ? std::move(manager) : nullptr;
}

class IpsecMbAead final : public Aead {
 public:
  IpsecMbAead(Manager narrow, Manager wide) : narrow_(std::move(narrow)), wide_(std::move(wide)) {}

  [[nodiscard]] std::string_view name() const override { return "ipsec-mb"; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    run_batch(key, jobs);
    sodium_stackzero(batch_stack);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    run_batch(key, jobs);
    sodium_stackzero(batch_stack);
  }
  void forget_keys() override {}

 private:
  /// Wipes its copy of the key itself: AddressSanitizer keeps such arrays in its own memory, not in the stack that the
  /// caller wipes.
  template <class Job>
  [[gnu::noinline]] void run_batch(const AeadKey& key, std::span<Job> jobs) {
    RoomyKey roomy{};
    std::memcpy(roomy.data(), key.data(), AeadKey::size());
    for (Job& job : jobs) run(roomy, job);
    sodium_memzero(roomy.data(), roomy.size());
  }
  void run(const RoomyKey& key, const SealJob& job);
  void run(const RoomyKey& key, OpenJob& job);
  void submit(const RoomyKey& key, const Nonce& nonce, bool sealing, ByteView from, std::uint8_t* to,
              std::uint8_t* tag);

  Manager narrow_;
  Manager wide_;
};

void IpsecMbAead::run(const RoomyKey& key, const SealJob& job) {
  const auto& [head, body] = job.plaintext;
  const std::size_t size = job.plaintext.size() + job.padding;
  const ByteView piece = head.empty() ? body : head;
  ByteView from = piece;
  if (piece.size() < size) {  // two pieces, or padding
    if (head.data() != job.out) copy_bytes(job.out, head);
    if (body.data() != job.out + head.size()) copy_bytes(job.out + head.size(), body);
    std::memset(job.out + job.plaintext.size(), 0, job.padding);
    from = ByteView(job.out, size);
  }
  submit(key, nonce_of(job.counter), true, from, job.out, job.out + size);
}

void IpsecMbAead::run(const RoomyKey& key, OpenJob& job) {
  CHECK(job.data.size() >= aead_tag_size);
  const ByteSpan text = job.data.first(job.data.size() - aead_tag_size);
  std::array<std::uint8_t, aead_tag_size> tag;
  submit(key, nonce_of(job.counter), false, text, text.data(), tag.data());
  job.authentic = crypto_verify_16(tag.data(), text.data() + text.size()) == 0;
  if (!job.authentic) std::memset(text.data(), 0, text.size());
}

void IpsecMbAead::submit(const RoomyKey& key, const Nonce& nonce, bool sealing, ByteView from, std::uint8_t* to,
                         std::uint8_t* tag) {
  const bool narrow = from.size() <= narrow_packet && from.size() % 16 == 0;
  IMB_MGR* const manager = (narrow ? narrow_ : wide_).get();
  IMB_JOB* const job = IMB_GET_NEXT_JOB(manager);
  job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
  job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
  job->cipher_direction = sealing ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
  job->chain_order = sealing ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job->enc_keys = job->dec_keys = key.data();
  job->key_len_in_bytes = AeadKey::size();
  job->iv = nonce.data();
  job->iv_len_in_bytes = nonce.size();
  job->src = from.data();
  job->dst = to;
  job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = from.size();
  job->auth_tag_output = tag;
  job->auth_tag_output_len_in_bytes = aead_tag_size;
  job->u.CHACHA20_POLY1305.aad = nullptr;
  job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
  const IMB_JOB* const done = IMB_SUBMIT_JOB_NOCHECK(manager);
  CHECK(done == job && done->status == IMB_STATUS_COMPLETED);
}

}  // namespace

bool has_ipsec_mb() { return has_avx2() && library().usable(); }

std::unique_ptr<Aead> make_ipsec_mb_aead() {
  if (!has_ipsec_mb()) return nullptr;
  const Library& from = library();
  Manager narrow = make_manager(from.init_sse);
  Manager wide = make_manager(has_avx512() ? from.init_avx512 : from.init_avx2);
  return narrow && wide ? std::make_unique<IpsecMbAead>(std::move(narrow), std::move(wide)) : nullptr;
}

}  // namespace wg4::crypto
