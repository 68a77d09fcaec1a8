/** Other ways in: a phone's finger or face, an account elsewhere. */
export const viPasskeys = {
  "passkeys.enter": "Vào bằng vân tay hoặc khuôn mặt",
  "passkeys.title": "Vân tay, khuôn mặt",
  "passkeys.why":
    "Máy này nhận ra bạn bằng vân tay, khuôn mặt hay mã mở máy, rồi đăng nhập thay mật khẩu. Vân tay không rời khỏi máy.",
  "passkeys.add": "Dùng vân tay trên máy này",
  "passkeys.made": "thêm lúc {time}",
  "passkeys.only": "Chỉ cho vào bằng vân tay hoặc khuôn mặt. Ai biết mật khẩu cũng không vào được.",
  "passkeys.close": "Không cho vào bằng mật khẩu nữa",
  "passkeys.open": "Cho vào lại bằng mật khẩu",
  "passkeys.remove": "Bỏ máy này",
  "passkeys.removeWhy":
    "Mọi máy của bạn phải đăng nhập lại, và phải bật lại cảnh báo trên từng máy thì máy ấy mới kêu.",
  "passkeys.nowEnter": "Đã đổi mật khẩu. Bây giờ hãy vào bằng vân tay hoặc khuôn mặt.",
  "passkeys.needTitle": "Còn một bước nữa, {name}",
  "passkeys.need":
    "Ở đây mật khẩu thôi chưa đủ. Hãy dùng vân tay, khuôn mặt hay mã mở máy của bạn, một lần này rồi thôi.",
  "passkeys.cannot":
    "Ở đây cần thêm vân tay hoặc khuôn mặt. Máy này chưa dùng được: hãy mở trang bằng điện thoại của bạn.",

  "provider.enter": "Vào bằng {name}",
  "provider.title": "Tài khoản {name}",
  "provider.why": "Gắn tài khoản {name} của bạn vào đây, rồi đăng nhập bằng nó thay mật khẩu.",
  "provider.tied": "Đang gắn với {who}.",
  "provider.tie": "Gắn tài khoản {name}",
  "provider.untie": "Gỡ tài khoản {name}",
  "provider.unknown":
    "Chưa vào được: tài khoản ấy chưa gắn với ai ở đây. Hãy vào bằng mật khẩu, rồi gắn ở trang Cài đặt.",
  "error.provider_failed": "Nơi xác nhận tài khoản không trả lời. Hãy thử lại sau, hoặc vào cách khác.",

  "error.wrong_proof": "Mật khẩu không đúng.",
  "error.too_late": "Đã quá năm phút, hoặc đã dùng rồi. Hãy làm lại từ đầu.",
  "error.passkey_stopped": "Chưa xong: bạn đã huỷ, hoặc máy chưa nhận ra bạn. Hãy thử lại.",
  "error.passkey_known": "Máy này đã dùng được vân tay ở đây rồi.",
  "error.passkey_needed": "Tài khoản này chỉ vào bằng vân tay hoặc khuôn mặt.",

  "audit.passkey_made": "thêm vân tay hoặc khuôn mặt",
  "audit.passkey_removed": "bỏ vân tay hoặc khuôn mặt",
  "audit.passkey_asked_for": "chỉ cho vào bằng vân tay hoặc khuôn mặt",
  "audit.password_enough_again": "cho vào lại bằng mật khẩu",
  "audit.passkeys_forgotten": "bỏ hết vân tay của một người",
  "audit.password_changed": "đổi mật khẩu",
  "audit.login_changed": "đổi e-mail hoặc số điện thoại",
  "audit.sessions_ended": "đăng xuất các máy khác",
  "audit.identity_tied": "đã gắn tài khoản đăng nhập khác",
  "audit.identity_untied": "gỡ tài khoản đăng nhập khác",
} as const;
