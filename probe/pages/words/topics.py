"""What a page is about: the words of titles, headings and text, in many languages. Data."""

from probe.pages.vocabulary import vocabulary

CONSENT_TEXT = vocabulary("""
    en: authorize, authorise, authorization, consent, permission*, grant access, requesting access, wants to,
        would like, allow access, access to your, requests access, is requesting, requested access,
        application access, approve, allow, will be able to, sharing your, share your, access request, grant,
        third party
    de: zugriff, berechtigung*, einwilligung, zustimmung, autorisier*, mochte auf, erlauben, zustimmen
    fr: autoris*, consentement, acceder a, demande l acces, permission*, souhaite acceder
    es: autoriz*, consentimiento, permiso*, acceder a, solicita acceso, quiere acceder, permitir
    pt: autoriz*, consentimento, permiss*, acessar, aceder, deseja, solicita, permitir
    it: autorizz*, consenso, permess*, accedere a, richiede l accesso, consenti
    nl: toestemming, machtig*, toegang, wil graag, toestaan, autoris*
    ja: 許可, 同意, アクセス, 権限, 承認
    zh: 授权, 权限, 同意, 授權
    ko: 동의, 권한
    sv: samtycke, behorighet, atkomst
    pl: zgod*, uprawnie*, dostep
    ru: доступ, разреш*, согласие
""")

STAY = vocabulary("""
    en: stay signed in, stay logged in, keep me signed in, keep you signed in, trust this device, trust this browser,
        remember this device, remember this browser, save your password
    de: angemeldet bleiben, diesem gerat vertrauen
    fr: rester connecte
    es: mantener la sesion, permanecer conectado
    pt: continuar conectado, manter sessao, permanecer conectado
    it: rimanere connessi, resta connesso
    nl: aangemeld blijven, ingelogd blijven
    ja: サインインの状態を維持, ログイン状態を, ログインしたまま
""")

PASSWORD_CHANGE = vocabulary("""
    en: change your password, update your password, update password, change password, password has expired,
        password expired, set a new password, new password, reset your password, create a new password, must change,
        choose a new password, temporary password, expired password
    de: passwort andern, passwort aktualisieren, kennwort andern, neues passwort, neues kennwort, passwort abgelaufen,
        passwort ist abgelaufen
    fr: changer votre mot de passe, modifier votre mot de passe, nouveau mot de passe, mot de passe a expire,
        mettre a jour le mot de passe, changez votre mot de passe, mise a jour du mot de passe
    es: cambiar la contrasena, cambie su contrasena, actualizar contrasena, nueva contrasena, contrasena ha caducado,
        cambiar contrasena, actualice su contrasena
    pt: alterar a senha, altere sua senha, nova senha, senha expirou, alterar senha, atualizar senha,
        alterar palavra passe
    it: cambia la password, cambia password, nuova password, password scaduta, aggiorna la password, modifica password
    nl: wachtwoord wijzigen, wijzig uw wachtwoord, wijzig je wachtwoord, nieuw wachtwoord, wachtwoord is verlopen
    ja: パスワードの変更, パスワードを変更, 新しいパスワード, パスワードの有効期限, パスワードの更新, パスワードを更新
""")

VERIFY_EMAIL = vocabulary("""
    en: verify your email, verify your e mail, confirm your email, confirm your e mail, email verification,
        activate your account, verification link, email address is not verified, email not verified,
        confirmation link, verify email, not been verified, confirm your account, not confirmed, verify your account
    de: e mail bestatigen, e mail verifizieren, e mail adresse bestatigen, e mail adresse verifizieren,
        konto aktivieren, bestatigungslink, bestatigen sie ihre e mail
    fr: verifier votre adresse, verifiez votre adresse, confirmer votre adresse, confirmez votre adresse,
        activer votre compte, lien de verification, lien de confirmation
    es: verifica tu correo, verifique su correo, confirmar su correo, confirma tu correo, verificar correo,
        enlace de verificacion, activar su cuenta
    pt: verifique seu e mail, verificar e mail, confirmar e mail, confirme seu e mail, verifique o seu email,
        link de verificacao
    it: verifica la tua email, conferma la tua email, verifica email, conferma il tuo indirizzo, link di verifica
    nl: verifieer je e mail*, bevestig je e mail*, verifieer uw e mail*, bevestig uw e mail*, verificatielink,
        account activeren
    ja: メールアドレスの確認, メールアドレスを確認, メール認証, 確認メール
""")

TERMS = vocabulary("""
    en: terms and conditions, terms of service, terms of use, privacy policy, user agreement, terms conditions,
        acceptable use
    de: nutzungsbedingungen, geschaftsbedingungen, datenschutz*, agb, bedingungen
    fr: conditions d utilisation, conditions generales, politique de confidentialite
    es: terminos y condiciones, condiciones de uso, terminos de servicio, politica de privacidad,
        terminos del servicio
    pt: termos e condicoes, termos de uso, termos de servico, politica de privacidade
    it: termini e condizioni, termini di servizio, condizioni d uso, informativa sulla privacy
    nl: algemene voorwaarden, gebruiksvoorwaarden, privacybeleid, voorwaarden
    ja: 利用規約, プライバシーポリシー, 使用条件
    zh: 服务条款, 隐私政策, 条款, 條款
    ko: 이용약관
    ru: условия
    pl: warunki, regulamin
    cs: podminky
    sv: villkor
    da: vilkar
    nb: vilkar
    fi: ehdot, kayttoehdot
    tr: kosullar, sartlar
""")

ENROL = vocabulary("""
    en: scan the qr, scan this qr, scan the barcode, scan the code, scan the image, scan this code, scan qr, set up,
        setup, enroll*, enrol, configure, qr code, secret key, register a, add a security, add an authenticator,
        activate two, enable two, enable 2, enable mfa, authenticator setup, link your, install an authenticator,
        install one of, register your, register device, unable to scan, create a passkey, add a passkey,
        set up a passkey
    de: scannen sie, qr code, einrichten, einrichtung, konfigurieren, aktivieren sie, registrieren sie
    fr: scannez, code qr, qr code, configurer, configurez, activer la double, enregistrer
    es: escanee, escanea, codigo qr, configurar, configure, activar la verificacion
    pt: escaneie, leia o codigo qr, codigo qr, configurar, configure, digitalize
    it: scansiona, codice qr, configura, configurare, imposta
    nl: scan de, qr code, instellen, configureren, stel in
    ja: qrコード, スキャン, セットアップ, 設定してください, 登録してください
    zh: 二维码, 扫描
    ko: qr 코드
""")

QR = vocabulary("""
    en: scan the qr, scan this qr, scan the barcode, scan the image, scan this code, scan qr, qr code, unable to scan,
        can t scan, install one of, secret key
    de: qr code, scannen sie, barcode
    fr: code qr, qr code, scannez
    es: codigo qr, escanee, escanea
    pt: codigo qr, escaneie, qr code
    it: codice qr, qr code, scansiona
    nl: qr code, scan de
    ja: qrコード, スキャン
    zh: 二维码
    ko: qr 코드
""")
"""Said where an authenticator app is set up, never where it is asked."""

PROFILE = vocabulary("""
    en: update your profile, complete your profile, update account information, update profile, complete your account,
        complete your registration, finish setting up, additional information required, update your account
    de: profil aktualisieren, profil vervollstandigen, kontodaten aktualisieren
    fr: completer votre profil, mettre a jour votre profil
    es: complete su perfil, actualizar perfil, completa tu perfil
    pt: complete seu perfil, atualizar perfil
    it: completa il profilo, aggiorna profilo
    nl: profiel bijwerken, profiel aanvullen
    ja: プロフィールの更新, アカウント情報の更新
""")

REQUIRED = vocabulary("""
    en: more information required, action required, actions required, you need to, before you can continue,
        before continuing, required to, perform the following action
    de: aktion erforderlich, erforderlich bevor
    fr: action requise, actions requises
    es: accion requerida
    pt: acao necessaria
    it: azione richiesta
    nl: actie vereist
    ja: 操作が必要, 必要なアクション
""")

BY_APP = vocabulary("""
    en: authenticator, authentication app, totp, authy, time based, mobile app, authenticator app,
        google authenticator, your app, code generator, generated by, otp app, two factor app
    de: authenticator, authentifizierungs app, authentifikator, app generiert*
    fr: application d authentification, authentificateur
    es: aplicacion de autenticacion, autenticador, app de autenticacion
    pt: aplicativo de autenticacao, autenticador, app autenticador
    it: app di autenticazione, autenticatore, applicazione di autenticazione
    nl: authenticator app, authenticatie app
    ja: 認証アプリ, 認証システムアプリ, オーセンティケーター, オーセンティケータ
    zh: 身份验证器, 验证器应用
    ko: 인증 앱, 인증기
""")

BY_MAIL = vocabulary("""
    en: email, e mail, inbox, mailbox, emailed, mailed, spam
    de: e mail, posteingang, per mail
    fr: e mail, courriel, boite de reception, email
    es: correo, bandeja de entrada
    pt: e mail, caixa de entrada
    it: posta, email, e mail
    nl: e mail, e mailadres, inbox
    ja: メール, 受信
    zh: 邮件, 邮箱
    ko: 이메일
    sv: e post
    ru: почту, письмо
    pl: e mail, skrzynk*
""")

BY_PHONE = vocabulary("""
    en: sms, text message, texted, phone number, your phone, mobile number, phone call, call you, voice call, text you
    de: sms, textnachricht, telefonnummer, mobilnummer, anruf
    fr: sms, numero de telephone, appel
    es: sms, mensaje de texto, numero de telefono, llamada
    pt: sms, mensagem de texto, numero de telefone, ligacao
    it: sms, numero di telefono, chiamata
    nl: sms, telefoonnummer, tekstbericht
    ja: sms, ショートメッセージ, 電話番号, 携帯電話, 電話で
    zh: 短信, 手机号
    ko: 문자 메시지
""")

BY_PUSH = vocabulary("""
    en: approve the request, approve sign in, push notification, sent a notification, notification sent,
        check your phone, approve the notification, approve this, respond to the, tap yes, open your authenticator,
        send push, push sent, number shown, approve on your
    de: genehmigen sie, push benachrichtigung, benachrichtigung gesendet, anforderung genehmigen
    fr: notification push, approuvez, approuver la demande
    es: notificacion push, apruebe, aprobar la solicitud
    pt: notificacao push, aprove, aprovar solicitacao
    it: notifica push, approva la richiesta, approva
    nl: pushmelding, keur de aanvraag goed, goedkeur*
    ja: プッシュ通知, 通知を送信, 要求を承認
""")

BY_KEY = vocabulary("""
    en: security key, passkey, webauthn, fido, touch id, face id, windows hello, biometric*, insert your key, u2f,
        yubikey, hardware key
    de: sicherheitsschlussel, passkey
    fr: cle de securite, cle d acces, passkey
    es: llave de seguridad, clave de seguridad, passkey
    pt: chave de seguranca, chave de acesso, passkey
    it: chiave di sicurezza, passkey
    nl: beveiligingssleutel, passkey
    ja: セキュリティキー, パスキー, 生体認証
""")

FACTOR = vocabulary("""
    en: two factor, two step, 2 step, second factor, multi factor, multifactor, 2fa, mfa, verify your identity,
        additional verification, verify it s you, extra security, another factor, verification method,
        verification required
    de: zwei faktor, zweiter faktor, identitat bestatigen, zusatzliche uberprufung, zweistufig*, mehrstufig*
    fr: deux facteurs, double authentification, second facteur, verifier votre identite, deux etapes, multifacteur
    es: dos factores, segundo factor, verificar su identidad, verifica tu identidad, dos pasos, multifactor
    pt: dois fatores, segundo fator, verificar sua identidade, duas etapas, multifator, verifique sua identidade
    it: due fattori, secondo fattore, verifica la tua identita, due passaggi, multifattore
    nl: twee factor, tweede factor, tweestaps*, identiteit verifieren, twee stappen, tweefactor*
    ja: 2要素, 二要素, 二段階, 2段階, 多要素, 本人確認
    zh: 双因素, 两步, 多重
    ko: 2단계, 2차
""")
